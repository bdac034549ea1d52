/**
 * Engines of the services on either bus and a real PostgreSQL, all six in one process or one in a process of its own, whatever the rules of the
 * five that have some: real signatures, schemas, transactions and the real log.
 */
import { createEngine, type Change, type Engine, type ServiceDefinition, type ServiceRuntime } from '@readmit/runtime';
import { EmbeddedBus, KafkaBus, type KafkaConnection } from '@readmit/bus';
import { KeyRing, makeServiceKeys, makeSigningKey, Signer, verifyRecord } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { services, type Fact, type ServiceName } from '@readmit/contracts';
import { logKey, type LogKey } from '@readmit/domain';
import { openStore, schemaOf, type Store } from '@readmit/store';
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { AuditEngine } from '../apps/audit/src/audit-engine.js';
import { logTools } from '../apps/audit/src/outbound/log-crypto.js';
import { checkpointUpTo } from '../apps/audit/src/outbound/log-store.js';
import { watchAfterSeconds } from '../apps/audit/src/usecases/append-to-log.js';
import { checkOwnLog } from '../apps/audit/src/usecases/check-own-log.js';
import { sumOf, type Counters } from './counters.js';

const environment = 'bench';

/** Rules of the services that have some: audit keeps a log. */
export type Definitions = Readonly<Record<Exclude<ServiceName, 'audit'>, ServiceDefinition>>;

export interface Engines {
  readonly engines: Readonly<Record<Exclude<ServiceName, 'audit'>, Engine>> & { readonly audit: ServiceRuntime };
  readonly stores: Readonly<Record<ServiceName, Store>>;
  /** Of all services together. */
  counters(): Counters;
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

/** The keys of an installation, as plain data: processes of one benchmark share them. */
export interface Identity {
  readonly service: ReturnType<typeof makeServiceKeys>;
  readonly log: ReturnType<typeof makeSigningKey>;
}
export const makeIdentity = (): Identity => ({ service: makeServiceKeys(new Date(Date.now() - 60_000)), log: makeSigningKey() });

const told = (definition: ServiceDefinition, onFact: OnFact): ServiceDefinition => ({
  ...definition,
  save: async (tx, changes: readonly Change[], now) => {
    await definition.save?.(tx, changes, now);
    for (const { key, added } of changes) for (const fact of added) onFact(definition.name, key, fact);
  },
});

export interface OneEngine {
  readonly engine: ServiceRuntime;
  readonly store: Store;
  counters(): Counters;
  /** @throws {Error} the log's entries do not have the root that its last signed checkpoint names. Of audit; the others have none. */
  verifyLog(): Promise<void>;
  stop(): Promise<void>;
}

/** Not yet started. */
export async function openEngine(
  service: ServiceName,
  definitions: Definitions,
  { urls, onFact, kafka }: EnginesOptions,
  identity: Identity,
): Promise<OneEngine> {
  const ring = new KeyRing(identity.service.list);
  const warn = (fields: object, message: string): void => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  const log = { debug: () => {}, info: () => {}, warn, error: warn };
  const key = logKey('readmit.example/log/bench', Buffer.from(identity.log.public.x, 'base64url'), logTools);
  const store = await openStore({ url: urls[service], schema: schemaOf(service), applicationName: `bench ${service}`, poolSize: 8 });
  const onTrouble = (error: unknown): void => warn({ service, error: String(error) }, 'bus operation failed; retrying');
  const bus = kafka
    ? await KafkaBus.open({ service, store, connection: kafka[service], onTrouble })
    : await EmbeddedBus.open({ service, store });
  const signer = new Signer(identity.service.keys[service]);
  const secret = createPrivateKey({ key: { ...identity.log.private }, format: 'jwk' });
  const engine =
    service === 'audit'
      ? auditEngine({ store, bus, signer, ring, log, key, secret })
      : createEngine({ definition: told(definitions[service], onFact), store, bus, signer, ring, environment, log });
  return {
    engine,
    store,
    counters: () => ({
      statements: store.counters.statements,
      commits: store.counters.commits,
      batches: engine.counters.batches,
      messages: engine.counters.messages,
    }),
    verifyLog: async () => checkOwnLog(store, key, (await checkpointUpTo(store))?.note),
    stop: async () => {
      await engine.stop();
      await bus.close();
      await store.close();
    },
  };
}

export async function openEngines(definitions: Definitions, options: EnginesOptions): Promise<Engines> {
  const identity = makeIdentity();
  const opened = {} as Record<ServiceName, OneEngine>;
  for (const service of services) opened[service] = await openEngine(service, definitions, options, identity);
  for (const service of services) await opened[service].engine.start();
  const of = <Part extends 'engine' | 'store'>(part: Part) =>
    Object.fromEntries(services.map((service) => [service, opened[service][part]])) as unknown as Record<ServiceName, OneEngine[Part]>;
  return {
    engines: of('engine') as Engines['engines'],
    stores: of('store'),
    counters: () => sumOf(services.map((service) => opened[service].counters())),
    verifyLog: () => opened.audit.verifyLog(),
    stop: async () => {
      await Promise.all(services.map((service) => opened[service].stop()));
    },
  };
}

function auditEngine(parts: {
  readonly store: Store;
  readonly bus: EmbeddedBus | KafkaBus;
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
    watchAfterSeconds,
    watchEverySeconds: 10,
    store,
    bus,
    log,
    verify: (record, replayed) => verifyRecord(record, { ring, environment, now: new Date(), replayed }),
    checkStart: async () => {},
    member: uuidv7(),
  });
}
