/**
 * The six services with their real definitions on either bus and a real PostgreSQL, in one process: what `npm start` runs,
 * without HTTP, directory server and targets. Those three are simulated.
 */
import { createEngine, EmbeddedBus, KafkaBus, KeyRing, makeServiceKeys, makeSigningKey, Signer, uuidv7, verifyRecord } from '@readmit/bus';
import type { Bus, Change, Engine, KafkaConnection, ServiceDefinition } from '@readmit/bus';
import { services, type Fact, type ServiceName } from '@readmit/contracts';
import { logKey, type LogKey } from '@readmit/domain';
import { openStore, schemaOf, type Store } from '@readmit/store';
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { approvalDefinition } from '../apps/approval/src/approval.definition.js';
import { AuditEngine } from '../apps/audit/src/audit-engine.js';
import { logTools } from '../apps/audit/src/outbound/log-crypto.js';
import { checkpointUpTo } from '../apps/audit/src/outbound/log-store.js';
import { checkOwnLog } from '../apps/audit/src/usecases/check-own-log.js';
import { classificationDefinition } from '../apps/classification/src/classification.definition.js';
import { parsePolicy } from '../apps/classification/src/outbound/policy-file.js';
import { executionDefinition } from '../apps/execution/src/execution.definition.js';
import { intakeDefinition } from '../apps/intake/src/intake.definition.js';
import { schedulerDefinition } from '../apps/revocation-scheduler/src/scheduler.definition.js';
import { digestOf, type People } from './people.js';
import { openSimulatedTarget, simulatedTarget } from './simulated-target.js';

export const environment = 'bench';
const policyFile = 'deploy/policies/default.yaml';

export interface Pipeline {
  readonly engines: Readonly<Record<ServiceName, Engine>>;
  readonly stores: Readonly<Record<ServiceName, Store>>;
  readonly policyDigest: string;
  /** The salt of contact digests. */
  readonly salt: string;
  /** @throws {Error} the log's entries do not have the root that its last signed checkpoint names. */
  verifyLog(): Promise<void>;
  stop(): Promise<void>;
}

/** Told of facts that a service has just heard or said; the transaction that keeps them may not be over. */
export type OnFact = (service: ServiceName, key: string, fact: Fact) => void;

const told = (definition: ServiceDefinition, onFact: OnFact): ServiceDefinition => ({
  ...definition,
  save: async (tx, changes: readonly Change[]) => {
    await definition.save?.(tx, changes);
    for (const { key, added } of changes) for (const fact of added) onFact(definition.name, key, fact);
  },
});

export async function openPipeline(options: {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly people: People;
  readonly onFact: OnFact;
  /** Absent: topics are tables of the database. */
  readonly kafka?: Readonly<Record<ServiceName, KafkaConnection>> | undefined;
}): Promise<Pipeline> {
  const { people, onFact, kafka } = options;
  const policy = parsePolicy(await readFile(policyFile, 'utf8'), policyFile);
  const keys = makeServiceKeys(new Date(Date.now() - 60_000));
  const ring = new KeyRing(keys.list);
  const salt = 'bench';
  // Digest and age as of a directory that was read just now.
  const directory = {
    read: async () => ({ directory: people.directory, digest: digestOf('directory'), issuedAt: new Date().toISOString() }),
  };
  const definitions: Readonly<Record<Exclude<ServiceName, 'audit'>, ServiceDefinition>> = {
    intake: intakeDefinition({ channel: 'simulated-mailbox', send: async () => {} }),
    classification: classificationDefinition(directory, policy, salt),
    approval: approvalDefinition,
    execution: executionDefinition(new Map([[simulatedTarget, openSimulatedTarget()]]), { watchEveryMs: 1_000 }),
    'revocation-scheduler': schedulerDefinition,
  };
  const warn = (fields: object, message: string): void => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  const log = { debug: () => {}, info: () => {}, warn, error: warn };

  const logSecret = makeSigningKey();
  const key = logKey('readmit.example/log/bench', Buffer.from(logSecret.public.x, 'base64url'), logTools);
  const stores = {} as Record<ServiceName, Store>;
  const engines = {} as Record<ServiceName, Engine>;
  const buses: Bus[] = [];
  for (const service of services) {
    const url = options.urls[service];
    const store = await openStore({ url, schema: schemaOf(service), applicationName: `bench ${service}`, poolSize: 8 });
    const onTrouble = (error: unknown): void => warn({ service, error: String(error) }, 'the bus tries again');
    const bus = kafka
      ? await KafkaBus.open({ service, store, connection: kafka[service], onTrouble })
      : await EmbeddedBus.open({ service, store });
    buses.push(bus);
    stores[service] = store;
    const signer = new Signer(keys.keys[service]);
    engines[service] =
      service === 'audit'
        ? auditEngine({ store, bus, signer, ring, log, key, secret: createPrivateKey({ key: { ...logSecret.private }, format: 'jwk' }) })
        : createEngine({ definition: told(definitions[service], onFact), store, bus, signer, ring, environment, log });
  }
  for (const service of services) await engines[service].start();
  return {
    engines,
    stores,
    policyDigest: policy.digest,
    salt,
    verifyLog: async () => checkOwnLog(stores.audit, key, (await checkpointUpTo(stores.audit))?.note),
    stop: async () => {
      await Promise.all(services.map((service) => engines[service].stop()));
      await Promise.all(buses.map((bus) => bus.close()));
      await Promise.all(services.map((service) => stores[service].close()));
    },
  };
}

function auditEngine(parts: {
  readonly store: Store;
  readonly bus: Bus;
  readonly signer: Signer;
  readonly ring: KeyRing;
  readonly log: ConstructorParameters<typeof AuditEngine>[0]['log'];
  readonly key: LogKey;
  readonly secret: KeyObject;
}): AuditEngine {
  const { store, bus, signer, ring, log, key, secret } = parts;
  return new AuditEngine({
    environment,
    key,
    signNote: (message) => sign(null, message, secret),
    signEvents: (records) => signer.sign(environment, records),
    newEventId: uuidv7,
    checkpointEverySeconds: 5,
    watchAfterSeconds: 30,
    watchEverySeconds: 10,
    store,
    bus,
    log,
    verify: (record, replayed) => verifyRecord(record, { ring, environment, now: new Date(), replayed }),
    checkStart: async () => {},
    member: uuidv7(),
  });
}
