/** Kafka for specs: topics of the catalogue, empty, and buses that can die like a process. */
import { partitionsPerTopic, topics, type ServiceName } from '@readmit/contracts';
import type { Store } from '@readmit/store';
import kafkajs, { type AclEntry, type Admin, type ISocketFactory, type ITopicConfig } from 'kafkajs';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { KafkaBus, kafkaClient, type Batch, type KafkaBusOptions, type KafkaConnection, type TopicRecord } from '@readmit/bus';
import type { KafkaCredentials } from '@readmit/servers';
import type { TestDatabase } from './database.js';
import { until } from './until.js';

// Node does not see these names in a CommonJS module; jest does. `npm run fault` runs this file without jest.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, CompressionCodecs, CompressionTypes, ResourcePatternTypes } = kafkajs;

interface TestBroker {
  readonly brokers: readonly string[];
  readonly sasl: Readonly<Record<string, KafkaCredentials>>;
}
let broker: Promise<TestBroker> | undefined;

/** The broker of this worker, as the user; started by the first who asks in a run (tools/jest). `admin` may do everything. */
export async function testBroker(user = 'admin'): Promise<KafkaConnection> {
  broker ??= askForBroker();
  const { brokers, sasl } = await broker;
  const own = sasl[user];
  if (!own) throw new Error(`the test broker has no user ${user}`);
  return { brokers, sasl: own };
}

async function askForBroker(): Promise<TestBroker> {
  const url = process.env['READMIT_TEST_KAFKA'];
  if (url === undefined) throw new Error('no Kafka for this run: start jest with its configuration');
  const answer = await fetch(`${url}/${process.env['JEST_WORKER_ID'] ?? '1'}`);
  if (!answer.ok) throw new Error(await answer.text());
  const made = (await answer.json()) as TestBroker;
  // The first question for a group makes the topic that groups are kept in; until then nobody can join.
  const admin = { brokers: made.brokers, ...(made.sasl['admin'] ? { sasl: made.sasl['admin'] } : {}) };
  await until(
    () =>
      withAdmin(admin, (one) => one.describeGroups(['warm-up'])).then(
        ({ groups }) => groups.length === 1,
        () => false,
      ),
    { what: 'the broker keeps groups', timeoutMs: 60_000 },
  );
  // Specs of this worker before this one may have given rights.
  await withAdmin(admin, async (one) => {
    await one.deleteAcls({ filters: [everyAcl] });
    await until(async () => (await one.describeAcls(everyAcl)).resources.length === 0, {
      what: 'nobody but the super user may do anything',
    });
  });
  return made;
}

const everyAcl = {
  resourceType: AclResourceTypes.ANY,
  resourcePatternType: ResourcePatternTypes.ANY,
  operation: AclOperationTypes.ANY,
  permissionType: AclPermissionTypes.ANY,
};

/** From here on the user may do that with everything whose name begins so. */
export async function allow(
  connection: KafkaConnection,
  user: string,
  given: Pick<AclEntry, 'resourceType' | 'resourceName' | 'operation'>,
): Promise<void> {
  const acl = {
    ...given,
    ...{ resourcePatternType: ResourcePatternTypes.PREFIXED, permissionType: AclPermissionTypes.ALLOW },
    ...{ principal: `User:${user}`, host: '*' },
  };
  await withAdmin(connection, async (one) => {
    await one.createAcls({ acl: [acl] });
    // The controller has it; the broker hears of it a moment later.
    await until(async () => (await one.describeAcls(acl)).resources.length === 1, { what: `${user} may` });
  });
}

export async function withAdmin<R>(connection: KafkaConnection, work: (admin: Admin) => Promise<R>): Promise<R> {
  const admin = kafkaClient(connection, { clientId: 'spec-admin', requestTimeoutMs: 10_000 }).admin({ retry: { retries: 8 } });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Every topic of the catalogue, new and empty; groups of earlier specs are gone. */
export async function emptyTopics(connection: KafkaConnection, wanted: readonly string[] = topics): Promise<void> {
  await withAdmin(connection, async (admin) => {
    // A member that died without a word is in its group until its session ends.
    await until(
      async () => {
        const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter((group) => group !== 'warm-up');
        return (
          groups.length === 0 ||
          (await admin.deleteGroups(groups).then(
            () => true,
            () => false,
          ))
        );
      },
      { what: 'groups of earlier specs are gone', timeoutMs: 30_000 },
    );
    await makeAnew(admin, wanted);
  });
}

/** Deletes the topics and makes them again. */
export async function makeAnew(
  admin: Admin,
  wanted: readonly string[],
  numPartitions: number = partitionsPerTopic,
  more: ITopicConfig['configEntries'] = [],
): Promise<void> {
  const there = (await admin.listTopics()).filter((topic) => wanted.includes(topic));
  if (there.length > 0) await admin.deleteTopics({ topics: there });
  // As `readmit setup --kafka` makes them: it is the broker that says when a record came.
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }, ...more];
  const made = wanted.map((topic) => ({ topic, numPartitions, replicationFactor: -1, configEntries }));
  await admin.createTopics({ waitForLeaders: false, topics: made });
  await until(
    () =>
      admin.fetchTopicMetadata({ topics: [...wanted] }).then(
        (metadata) =>
          metadata.topics.every(({ partitions }) => partitions.length === numPartitions && partitions.every(({ leader }) => leader >= 0)),
        () => false,
      ),
    { what: 'the topics are there' },
  );
}

/** On a cluster that has just been started: it is asked until it can. */
export async function makeFirst(connection: KafkaConnection, wanted: readonly string[]): Promise<void> {
  await until(
    () =>
      withAdmin(connection, (admin) => makeAnew(admin, wanted)).then(
        () => true,
        () => false,
      ),
    { what: `${wanted.join(', ')} is made`, timeoutMs: 60_000 },
  );
}

/** Why the batch may not be committed any more, as soon as that is so. */
export const refusalOf = (store: Pick<Store, 'transaction'>, batch: Batch, timeoutMs: number): Promise<unknown> =>
  until(
    () =>
      store
        .transaction((tx) => batch.commit(tx))
        .then(
          () => undefined,
          (error: unknown) => error,
        ),
    { what: 'the member has learnt that its partitions were taken from it', timeoutMs },
  );

/** The way of one process to the brokers. */
export interface Wire {
  readonly socketFactory: ISocketFactory;
  /** For good: connections break, and new ones too. */
  cut(): void;
  /** Nothing comes any more; what is sent still goes. */
  deafen(): void;
  /** Nothing goes or comes. */
  freeze(): void;
  /** As before; what was held back arrives. */
  restore(): void;
}

export function wire(): Wire {
  const sockets = new Set<net.Socket>();
  let state: 'open' | 'deaf' | 'frozen' | 'cut' = 'open';
  const apply = (socket: net.Socket): void => {
    if (state === 'cut') process.nextTick(() => socket.destroy(new Error('the wire is cut')));
    if (state === 'deaf' || state === 'frozen') socket.pause();
    if (state === 'frozen') socket.cork();
  };
  const become = (next: typeof state): void => {
    state = next;
    for (const socket of sockets) apply(socket);
  };
  return {
    socketFactory: ({ host, port, onConnect }) => {
      const socket = net.connect({ host, port }, onConnect);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      apply(socket);
      return socket;
    },
    cut: () => become('cut'),
    deafen: () => become('deaf'),
    freeze: () => become('frozen'),
    restore: () => {
      state = 'open';
      for (const socket of sockets) {
        socket.uncork();
        socket.resume();
      }
    },
  };
}

export async function openKafkaBus(database: TestDatabase, service: ServiceName, options: Partial<KafkaBusOptions> = {}) {
  const store = await database.store(service);
  const own = wire();
  const connection = options.connection ?? (await testBroker());
  const troubles: unknown[] = [];
  const bus = await KafkaBus.open({
    service,
    store,
    sessionTimeoutMs: 1_000,
    onTrouble: (error) => troubles.push(error),
    ...options,
    connection: { socketFactory: own.socketFactory, ...connection },
  });
  return {
    bus,
    store,
    troubles,
    wire: own,
    /** No more heartbeats, nothing is released. */
    kill: async () => {
      own.cut();
      await store.close();
      // Lets go of what this process holds; the brokers hear nothing of it.
      void bus.close();
    },
  };
}

/** Every record of the topic, partition by partition. */
export async function readAll(bus: Pick<KafkaBus, 'read'>, topic: string): Promise<readonly TopicRecord[]> {
  const all = await Promise.all(Array.from({ length: partitionsPerTopic }, (_, partition) => bus.read(topic, partition, 0n, 100_000)));
  return all.flat();
}

/** Each list as one batch of one partition, of records that are no events; `gzip`: as a client of others compresses it. */
export async function sendBatches(
  connection: KafkaConnection,
  {
    topic,
    partition,
    batches,
    gzip = false,
  }: { topic: string; partition: number; batches: readonly (readonly string[])[]; gzip?: boolean },
): Promise<void> {
  // Services only read what is compressed: their codec compresses nothing.
  const codec = CompressionCodecs[CompressionTypes.GZIP];
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    ...(codec() as object),
    compress: ({ buffer }: { readonly buffer: Buffer }) => Promise.resolve(gzipSync(buffer)),
  });
  const producer = kafkaClient(connection, { clientId: 'spec-raw', requestTimeoutMs: 10_000 }).producer({
    createPartitioner: () => () => partition,
  });
  try {
    await producer.connect();
    for (const values of batches)
      await producer.send({
        topic,
        messages: values.map((value) => ({ key: 'a-key', value, headers: { ce_id: 'x' } })),
        ...(gzip ? { compression: CompressionTypes.GZIP } : {}),
      });
  } finally {
    await producer.disconnect();
    CompressionCodecs[CompressionTypes.GZIP] = codec;
  }
}
