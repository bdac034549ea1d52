/** A running audit engine on a real PostgreSQL and the embedded bus, for specs that publish signed events and read its log and its SIEM topic. */
import { EmbeddedBus, type OutgoingRecord, type TopicRecord } from '@readmit/bus';
import { KeyRing, makeServiceKeys, makeSigningKey, Signer, verifyRecord } from '@readmit/signing';
import { auditOcsfTopic, entryOf, services, topicOf, writeEnvelope, type Draft, type ServiceName } from '@readmit/contracts';
import { logKey, type OcsfEvent } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { fixedIds, testDatabase, until, type TestDatabase } from '@readmit/testing';
import { createPrivateKey, sign } from 'node:crypto';
import { AuditEngine } from '../src/audit-engine.js';
import { logTools } from '../src/outbound/log-crypto.js';

export const environment = 'test';
/** How long the services' keys have been valid when a spec starts: as long as the maximum age of events. */
const keysSinceMs = 30 * 86_400_000;
const quiet = { info: () => {}, warn: () => {}, error: () => {} };
/** A draft with an optional time and event id. */
export type TimedDraft = Draft & { readonly at?: Date; readonly id?: string };

export const eventOf = ({ value }: TopicRecord): OcsfEvent => JSON.parse(value.toString('utf8')) as OcsfEvent;
export const bySequence = (a: OcsfEvent, b: OcsfEvent): number => a.metadata.sequence - b.metadata.sequence;

export class RunningAudit {
  private readonly keys = makeServiceKeys(new Date(Date.now() - keysSinceMs));
  private readonly ring = new KeyRing(this.keys.list);
  private readonly logSecret = makeSigningKey();
  private readonly logPrivate = createPrivateKey({ key: { ...this.logSecret.private }, format: 'jwk' });
  readonly key = logKey('readmit.example/log/test', Buffer.from(this.logSecret.public.x, 'base64url'), logTools);
  private readonly ids = fixedIds();
  private readonly buses = new Map<ServiceName, EmbeddedBus>();
  private readonly engines: AuditEngine[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly store: Store,
    private readonly bus: EmbeddedBus,
  ) {}

  static async open(): Promise<RunningAudit> {
    const database = await testDatabase();
    const store = await database.store('audit');
    return new RunningAudit(database, store, await EmbeddedBus.open({ service: 'audit', store, pollMs: 20 }));
  }
  async close(): Promise<void> {
    for (const engine of this.engines.splice(0)) await engine.stop();
    for (const bus of [this.bus, ...this.buses.values()]) await bus.close();
    await this.database.drop();
  }

  /** Each in a batch of its own, signed by the service that emits it. */
  signed(drafts: readonly TimedDraft[]): readonly OutgoingRecord[] {
    return drafts.flatMap((draft) => {
      const { producer, version } = entryOf(draft.type);
      const headers = writeEnvelope({
        id: draft.id ?? this.ids.uuid(),
        environment,
        service: producer,
        type: draft.type,
        time: (draft.at ?? new Date()).toISOString(),
        subject: draft.key,
        version: String(version),
        correlationId: draft.key,
      });
      const record = { topic: topicOf(producer), key: draft.key, headers, value: Buffer.from(JSON.stringify(draft.data)) };
      return new Signer(this.keys.keys[producer]).sign(environment, [record]);
    });
  }
  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    for (const service of services) {
      const own = records.filter(({ topic }) => topic === topicOf(service));
      if (own.length === 0) continue;
      const store = await this.database.store(service);
      const bus = this.buses.get(service) ?? (await EmbeddedBus.open({ service, store }));
      this.buses.set(service, bus);
      await store.transaction((tx) => bus.write(tx, own));
    }
  }

  /** `close` stops it, however the spec ends. */
  async start(): Promise<AuditEngine> {
    const engine = new AuditEngine({
      environment,
      key: this.key,
      signNote: (message) => sign(null, message, this.logPrivate),
      signEvents: (records) => new Signer(this.keys.keys.audit).sign(environment, records),
      newEventId: this.ids.uuid,
      checkpointEverySeconds: 0,
      watchAfterSeconds: 0,
      watchEverySeconds: 3600,
      store: this.store,
      bus: this.bus,
      log: quiet,
      verify: (record, replayed) => verifyRecord(record, { ring: this.ring, environment, now: new Date(), replayed }),
      checkStart: async () => {},
      member: this.ids.uuid(),
    });
    this.engines.push(engine);
    await engine.start();
    return engine;
  }
  /** By messages, because the leaves include audit's own events. */
  async processed(engine: AuditEngine, messages: number): Promise<void> {
    await until(() => engine.counters.messages >= messages, { what: `${messages} messages are processed` });
  }
  async leaves(): Promise<string[]> {
    return (await this.store.query<{ event_id: string }>('SELECT event_id FROM leaf ORDER BY index')).map(({ event_id }) => event_id);
  }
  async recorded(n: number): Promise<void> {
    await until(async () => (await this.leaves()).length >= n, { what: `${n} leaves` });
  }

  /** The records on the SIEM topic. */
  async siemRecords(): Promise<readonly TopicRecord[]> {
    return (await Promise.all([0, 1, 2, 3].map((partition) => this.bus.read(auditOcsfTopic, partition, 0n, 1000)))).flat();
  }
  /** The same, parsed, in the order of the log. */
  async siemEvents(): Promise<readonly OcsfEvent[]> {
    return (await this.siemRecords()).map(eventOf).sort(bySequence);
  }
}
