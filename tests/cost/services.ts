/** The six services with their real definitions on their own database, and cases with the events that the others would have published. */
import { createEngine, type Engine, type EngineOptions, type ServiceDefinition, type ServiceRuntime } from '@readmit/runtime';
import { EmbeddedBus } from '@readmit/bus';
import { KeyRing, makeServiceKeys, makeSigningKey, Signer, verifyRecord } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';
import { entryOf, services, topicOf, writeEnvelope, type Draft, type EventType, type ServiceName } from '@readmit/contracts';
import { logKey } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { testDatabase, type TestDatabase } from '@readmit/testing';
import { createPrivateKey, sign } from 'node:crypto';
import { approvalDefinition } from '../../apps/approval/src/approval.definition.js';
import { AuditEngine } from '../../apps/audit/src/audit-engine.js';
import { logTools } from '../../apps/audit/src/outbound/log-crypto.js';
import { classificationDefinition } from '../../apps/classification/src/classification.definition.js';
import { executionDefinition } from '../../apps/execution/src/execution.definition.js';
import { intakeDefinition } from '../../apps/intake/src/intake.definition.js';
import { schedulerDefinition } from '../../apps/revocation-scheduler/src/scheduler.definition.js';
import { simulatedOutside } from '../../bench/simulated-outside.js';
import { crypto, SimulatedServices, policy } from '../../libs/domain/test/simulated-services.js';

const environment = 'cost';
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const never = (): Promise<never> => Promise.reject(new Error('nothing external is called here'));

/** Directory, mail and targets are not called, unless a spec provides its own worker. */
export const definitions: Readonly<Record<Exclude<ServiceName, 'audit'>, ServiceDefinition>> = {
  intake: intakeDefinition(simulatedOutside),
  classification: classificationDefinition({ read: never }, { document: policy, digest: crypto.digest(policy) }, 'salt', { draw: never }),
  approval: approvalDefinition,
  execution: executionDefinition(new Map(), { watchEveryMs: 1_000 }),
  'revocation-scheduler': schedulerDefinition,
};

/** All events of one granted case in the simulation, in order. */
function sampleCase(): { readonly caseId: string; readonly drafts: readonly Draft[] } {
  const simulated = new SimulatedServices();
  // By the database's clock its approval must still be valid when the services consume it.
  simulated.now = new Date(Date.now() + 86_400_000);
  const caseId = simulated.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' });
  simulated.prove(caseId);
  simulated.decide(caseId, 'chidi');
  return { caseId, drafts: simulated.log.map(({ fact, key }) => ({ type: fact.type, key, data: fact.data }) as Draft) };
}
const sample = sampleCase();

/** The sample case's event of that type, for another case. */
export function draftOf(type: EventType, caseId: string): Draft {
  const found = sample.drafts.find((draft) => draft.type === type);
  if (!found) throw new Error(`the sample case has no ${type}`);
  const text = JSON.stringify(found).replaceAll(sample.caseId, caseId);
  // Nonces of the simulation are shorter than the schema allows.
  return JSON.parse(text.replaceAll(/"nonce":"([^"]+)"/g, (_whole, nonce: string) => `"nonce":"${nonce.padEnd(22, '0')}"`)) as Draft;
}

export interface Services {
  readonly database: TestDatabase;
  store(service: ServiceName): Promise<Store>;
  /** Writes signed events, each to the topic of its producer, in one transaction for each topic. */
  publish(drafts: readonly Draft[]): Promise<void>;
  engine(service: Exclude<ServiceName, 'audit'>, options?: Partial<EngineOptions>): Promise<Engine>;
  engine(service: ServiceName, options?: Partial<EngineOptions>): Promise<ServiceRuntime>;
  close(): Promise<void>;
}

export async function openServices(): Promise<Services> {
  const database = await testDatabase();
  const keys = makeServiceKeys(new Date(Date.now() - 60_000));
  const ring = new KeyRing(keys.list);
  const stores = new Map<ServiceName, Promise<Store>>();
  const buses = new Map<ServiceName, Promise<EmbeddedBus>>();
  const engines: ServiceRuntime[] = [];
  const store = (service: ServiceName): Promise<Store> => {
    const open = stores.get(service) ?? database.store(service);
    stores.set(service, open);
    return open;
  };
  const bus = async (service: ServiceName): Promise<EmbeddedBus> => {
    const open = buses.get(service) ?? EmbeddedBus.open({ service, store: await store(service), pollMs: 20 });
    buses.set(service, open);
    return open;
  };
  return {
    database,
    store,
    async publish(drafts) {
      for (const service of services) {
        const own = drafts.filter((draft) => entryOf(draft.type).producer === service);
        if (own.length === 0) continue;
        const records = own.map(({ type, key, data }) => ({
          topic: topicOf(service),
          key,
          headers: writeEnvelope({
            id: uuidv7(),
            environment,
            service,
            type,
            time: new Date().toISOString(),
            subject: key,
            version: String(entryOf(type).version),
            correlationId: key,
          }),
          value: Buffer.from(JSON.stringify(data)),
        }));
        const signed = new Signer(keys.keys[service]).sign(environment, records);
        const writer = await bus(service);
        await (await store(service)).transaction((tx) => writer.write(tx, signed));
      }
    },
    engine: (async (service: ServiceName, options: Partial<EngineOptions> = {}) => {
      const signer = new Signer(keys.keys[service]);
      const parts = { store: await store(service), bus: await bus(service), ...options };
      const engine =
        service === 'audit'
          ? auditEngine({ ...parts, signer, ring })
          : createEngine({ definition: definitions[service], signer, ring, environment, log: silent, ...parts });
      engines.push(engine);
      return engine;
    }) as Services['engine'],
    async close() {
      await Promise.all(engines.map((engine) => engine.stop()));
      await Promise.all([...buses.values()].map(async (open) => (await open).close()));
      await database.drop();
    },
  };
}

function auditEngine(parts: Pick<EngineOptions, 'store' | 'bus' | 'signer' | 'ring'>): AuditEngine {
  const logSigningKey = makeSigningKey();
  const secret = createPrivateKey({ key: { ...logSigningKey.private }, format: 'jwk' });
  return new AuditEngine({
    environment,
    key: logKey('readmit.example/log/cost', Buffer.from(logSigningKey.public.x, 'base64url'), logTools),
    signNote: (message) => sign(null, message, secret),
    signEvents: (records) => parts.signer.sign(environment, records),
    newEventId: uuidv7,
    checkpointEverySeconds: 3600,
    watchAfterSeconds: 3600,
    watchEverySeconds: 3600,
    store: parts.store,
    bus: parts.bus,
    log: silent,
    verify: (record, replayed) => verifyRecord(record, { ring: parts.ring, environment, now: new Date(), replayed }),
    checkStart: async () => {},
    member: uuidv7(),
  });
}
