/**
 * Engines of all six services on either bus and a real PostgreSQL, in one process, whatever the rules of the five that have some: real signatures,
 * schemas, transactions and the real log.
 */
import { createEngine, EmbeddedBus, KafkaBus, KeyRing, makeServiceKeys, makeSigningKey, Signer, uuidv7, verifyRecord } from '@readmit/bus';
import type { Bus, Change, Engine, KafkaConnection, ServiceDefinition } from '@readmit/bus';
import { services, type Fact, type ServiceName } from '@readmit/contracts';
import { logKey, type LogKey } from '@readmit/domain';
import { openStore, schemaOf, type Store } from '@readmit/store';
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { AuditEngine } from '../apps/audit/src/audit-engine.js';
import { logTools } from '../apps/audit/src/outbound/log-crypto.js';
import { checkpointUpTo } from '../apps/audit/src/outbound/log-store.js';
import { checkOwnLog } from '../apps/audit/src/usecases/check-own-log.js';

const environment = 'bench';

/** Rules of the services that have some: audit keeps a log. */
export type Definitions = Readonly<Record<Exclude<ServiceName, 'audit'>, ServiceDefinition>>;

export interface Engines {
  readonly engines: Readonly<Record<ServiceName, Engine>>;
  readonly stores: Readonly<Record<ServiceName, Store>>;
  /** Of all services together. */
  counters(): { statements: number; commits: number; batches: number; messages: number };
  /** @throws {Error} the log's entries do not have the root that its last signed checkpoint names. */
  verifyLog(): Promise<void>;
  stop(): Promise<void>;
}

/** Told of facts that a service has just heard or said; the transaction that keeps them may not be over. */
export type OnFact = (service: ServiceName, key: string, fact: Fact) => void;

export interface EnginesOptions {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly onFact: OnFact;
  /** Absent: topics are tables of the database. */
  readonly kafka?: Readonly<Record<ServiceName, KafkaConnection>> | undefined;
}

const told = (definition: ServiceDefinition, onFact: OnFact): ServiceDefinition => ({
  ...definition,
  save: async (tx, changes: readonly Change[]) => {
    await definition.save?.(tx, changes);
    for (const { key, added } of changes) for (const fact of added) onFact(definition.name, key, fact);
  },
});

export async function openEngines(definitions: Definitions, options: EnginesOptions): Promise<Engines> {
  const { onFact, kafka } = options;
  const keys = makeServiceKeys(new Date(Date.now() - 60_000));
  const ring = new KeyRing(keys.list);
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
    counters: () => {
      const sum = { statements: 0, commits: 0, batches: 0, messages: 0 };
      for (const service of services) {
        sum.statements += stores[service].counters.statements;
        sum.commits += stores[service].counters.commits;
        sum.batches += engines[service].counters.batches;
        sum.messages += engines[service].counters.messages;
      }
      return sum;
    },
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
