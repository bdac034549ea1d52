/** A toy service (in intake's place) and the other end of the bus (in approval's place), for the engine's specs. */
import { entryOf, topicOf, writeEnvelope, type Draft, type EventType, type Fact, type ServiceName } from '@readmit/contracts';
import type { Facts, Reaction } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { testDatabase, emptyTopics, testBroker, withAdmin, type TestDatabase } from '@readmit/testing';
import { createEngine, type Engine, type EngineOptions, type ServiceDefinition } from '../src/index.js';
import { EmbeddedBus, KafkaBus, type Bus, type OutgoingRecord } from '@readmit/bus';
import { KeyRing, makeServiceKeys, Signer } from '@readmit/signing';
import { uuidv7, type Log } from '@readmit/platform';

export const environment = 'spec';

/** Closes a withdrawn case, then says that a notice went out; `by: boom` makes it throw. */
export function toyReact(facts: Facts): Reaction {
  const withdrawn = facts.first('readmit.approval.withdrawn');
  if (!withdrawn) return { emit: [] };
  const { caseId } = withdrawn.data;
  if (facts.of('readmit.approval.withdrawn').some(({ data }) => data.by === 'boom')) throw new Error('the toy cannot bear boom');
  if (!facts.has('readmit.case.closed'))
    return { emit: [{ type: 'readmit.case.closed', key: caseId, data: { caseId, outcome: 'withdrawn' } }] };
  if (!facts.has('readmit.notice.sent'))
    return {
      emit: [{ type: 'readmit.notice.sent', key: caseId, data: { caseId, noticeId: `n-${caseId}`, about: 'ended', channel: 'mail' } }],
    };
  return { emit: [] };
}

export const toy: ServiceDefinition = {
  name: 'intake',
  consumes: ['readmit.approval.withdrawn', 'readmit.approval.denied'],
  react: toyReact,
  work: {},
  wakes: 'deadline',
};

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface House {
  readonly database: TestDatabase;
  readonly ring: KeyRing;
  readonly keys: ReturnType<typeof makeServiceKeys>;
  store(service: ServiceName): Promise<Store>;
  engine(definition: ServiceDefinition, options?: Partial<EngineOptions>): Promise<Engine>;
  /** Writes signed records as the service; what `spoil` gives is written instead of what was signed. */
  send(
    service: ServiceName,
    drafts: readonly Draft[],
    options?: {
      readonly signer?: Signer;
      /** Whom the record names as its producer; default: the service whose topic it is. */
      readonly speaker?: ServiceName;
      readonly spoil?: (record: OutgoingRecord, at: number) => OutgoingRecord;
      readonly at?: Date;
    },
  ): Promise<OutgoingRecord[]>;
  /** Writes the very same record once more, as a producer does that was not sure. */
  repeat(service: ServiceName, record: OutgoingRecord): Promise<void>;
  /** What a crash between the commit of the work and the move of the position leaves, as far as can be: all of it comes again. */
  forgetPositions(service: ServiceName): Promise<void>;
  /** Every event that the service said, in the order of partitions and offsets. */
  said(
    service: ServiceName,
  ): Promise<
    { readonly type: EventType; readonly key: string; readonly data: Fact['data']; readonly headers: Readonly<Record<string, string>> }[]
  >;
  close(): Promise<void>;
}

/** @param kind the bus to use; `kafka` has the topics of this worker's broker to itself. */
export async function openHouse(kind: Bus['kind'] = 'embedded'): Promise<House> {
  if (kind === 'kafka') await emptyTopics(await testBroker());
  const database = await testDatabase();
  const keys = makeServiceKeys(new Date(Date.now() - 60 * 86_400_000));
  const ring = new KeyRing(keys.list);
  const stores = new Map<ServiceName, Promise<Store>>();
  const buses = new Map<ServiceName, Promise<Bus>>();
  const engines: Engine[] = [];
  const store = (service: ServiceName) => {
    const open = stores.get(service) ?? database.store(service, { poolSize: 6 });
    stores.set(service, open);
    return open;
  };
  const bus = async (service: ServiceName) => {
    const own = await store(service);
    const open =
      buses.get(service) ??
      (kind === 'embedded'
        ? EmbeddedBus.open({ service, store: own, pollMs: 50 })
        : KafkaBus.open({ service, store: own, connection: await testBroker() }));
    buses.set(service, open);
    return open;
  };
  return {
    database,
    ring,
    keys,
    store,
    engine: async (definition, options = {}) => {
      const made = createEngine({
        definition,
        store: await store(definition.name),
        bus: await bus(definition.name),
        signer: new Signer(keys.keys[definition.name]),
        ring,
        environment,
        log: silent,
        ...options,
      });
      engines.push(made);
      return made;
    },
    send: async (
      service,
      drafts,
      { speaker = service, signer = new Signer(keys.keys[speaker]), spoil = (record: OutgoingRecord) => record, at = new Date() } = {},
    ) => {
      const records = drafts.map(({ type, key, data }) => ({
        topic: topicOf(service),
        key,
        headers: writeEnvelope({
          id: uuidv7(),
          environment,
          service: speaker,
          type,
          time: at.toISOString(),
          subject: key,
          version: String(entryOf(type).version),
          correlationId: key,
        }),
        value: Buffer.from(JSON.stringify(data)),
      }));
      const signed = signer.sign(environment, records).map(spoil);
      const writer = await bus(service);
      await (await store(service)).transaction((tx) => writer.write(tx, signed));
      await writer.publish(signed);
      return signed;
    },
    repeat: async (service, record) => {
      const writer = await bus(service);
      if (writer instanceof KafkaBus) await writer.publish([record]);
      else await (await store(service)).transaction((tx) => writer.write(tx, [record]));
    },
    forgetPositions: async (service) => {
      if (kind === 'kafka') {
        await withAdmin(await testBroker(), async (admin) => {
          for (const { topic } of await admin.fetchOffsets({ groupId: service }))
            await admin.resetOffsets({ groupId: service, topic, earliest: true });
        });
      } else {
        await (await store(service)).query('UPDATE position SET next_offset = 0, owner = NULL');
      }
    },
    said: async (service) => {
      const reader = await bus(service);
      const all = await Promise.all([0, 1, 2, 3].map((partition) => reader.read(topicOf(service), partition, 0n, 10_000)));
      return all.flat().map(({ headers, key, value }) => ({
        type: headers['ce_type'] as EventType,
        key,
        data: JSON.parse(value.toString()) as Fact['data'],
        headers,
      }));
    },
    close: async () => {
      await Promise.all(engines.map((engine) => engine.stop()));
      await Promise.all([...buses.values()].map(async (open) => (await open).close()));
      await database.drop();
    },
  };
}

export const withdrawn = (caseId: string, by = 'ada'): Draft => ({ type: 'readmit.approval.withdrawn', key: caseId, data: { caseId, by } });
