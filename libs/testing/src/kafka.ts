/** Kafka for specs: empty topics of the catalogue, and buses that can be killed like a process. */
import { partitionsPerTopic, topics, type ServiceName } from '@readmit/contracts';
import type { Store } from '@readmit/store';
import kafkajs, { type AclEntry, type Admin, type ISocketFactory, type ITopicConfig } from 'kafkajs';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { KafkaBus, kafkaClient, type Batch, type KafkaBusOptions, type KafkaConnection, type TopicRecord } from '@readmit/bus';
import type { KafkaCredentials } from '@readmit/servers';
import type { TestDatabase } from './database.js';
import { until } from './until.js';

// Node does not find these names in a CommonJS module; jest does. `npm run fault` runs this file without jest.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, CompressionCodecs, CompressionTypes, ResourcePatternTypes } = kafkajs;

interface TestBroker {
  readonly brokers: readonly string[];
  readonly sasl: Readonly<Record<string, KafkaCredentials>>;
}
let broker: Promise<TestBroker> | undefined;

/** Connection of a user to this worker's broker, which is started on first use (tools/jest). `admin` may do everything. */
export async function testBroker(user = 'admin'): Promise<KafkaConnection> {
  broker ??= requestBroker();
  const { brokers, sasl } = await broker;
  const own = sasl[user];
  if (!own) throw new Error(`the test broker has no user ${user}`);
  return { brokers, sasl: own };
}

async function requestBroker(): Promise<TestBroker> {
  const url = process.env['READMIT_TEST_KAFKA'];
  if (url === undefined) throw new Error('no Kafka for this run: start jest with its configuration');
  const response = await fetch(`${url}/${process.env['JEST_WORKER_ID'] ?? '1'}`);
  if (!response.ok) throw new Error(await response.text());
  const made = (await response.json()) as TestBroker;
  // The first request about a group creates the topic of the groups; until then, no consumer can join.
  const admin = { brokers: made.brokers, ...(made.sasl['admin'] ? { sasl: made.sasl['admin'] } : {}) };
  await until(
    () =>
      withAdmin(admin, (one) => one.describeGroups(['warm-up'])).then(
        ({ groups }) => groups.length === 1,
        () => false,
      ),
    { what: 'the broker has the topic of its groups' },
  );
  // Earlier specs of this worker may have created ACLs.
  await withAdmin(admin, async (one) => {
    await one.deleteAcls({ filters: [everyAcl] });
    await until(async () => (await one.describeAcls(everyAcl)).resources.length === 0, {
      what: 'all ACLs are deleted',
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

/** Allows the user an operation on all resources with this prefix. */
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
    // The controller has it; the broker gets it a moment later.
    await until(async () => (await one.describeAcls(acl)).resources.length === 1, { what: `the ACL of ${user} is in effect` });
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

/** Recreates all topics of the catalogue, and deletes groups of earlier specs. */
export async function emptyTopics(connection: KafkaConnection, wanted: readonly string[] = topics): Promise<void> {
  await withAdmin(connection, async (admin) => {
    // A member that was killed stays in its group until its session times out.
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
      { what: 'groups of earlier specs are deleted' },
    );
    await recreateTopics(admin, wanted);
  });
}

/** Deletes the topics and creates them again. */
export async function recreateTopics(
  admin: Admin,
  wanted: readonly string[],
  numPartitions: number = partitionsPerTopic,
  more: ITopicConfig['configEntries'] = [],
): Promise<void> {
  const existing = (await admin.listTopics()).filter((topic) => wanted.includes(topic));
  if (existing.length > 0) await admin.deleteTopics({ topics: existing });
  // As `readmit setup --kafka` creates them: timestamps are those of the broker.
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
    { what: 'the topics exist' },
  );
}

/** Creates topics on a cluster that has just been started: retries until it can. */
export async function createTopics(connection: KafkaConnection, wanted: readonly string[]): Promise<void> {
  await until(
    () =>
      withAdmin(connection, (admin) => recreateTopics(admin, wanted)).then(
        () => true,
        () => false,
      ),
    { what: `${wanted.join(', ')} exists` },
  );
}

/** The error of committing the batch, as soon as the member has lost its partitions. */
export const refusalOf = (store: Pick<Store, 'transaction'>, batch: Batch, timeoutMs: number): Promise<unknown> =>
  until(
    () =>
      store
        .transaction((tx) => batch.commit(tx))
        .then(
          () => undefined,
          (error: unknown) => error,
        ),
    { what: 'the member has noticed that it lost its partitions', timeoutMs },
  );

/** The network connection of one process to the brokers. */
export interface Wire {
  readonly socketFactory: ISocketFactory;
  /** Permanently: all connections break, also new ones. */
  cut(): void;
  /** Nothing is received; what is sent still arrives. */
  deafen(): void;
  /** Nothing is sent or received. */
  freeze(): void;
  /** Restores the connection; what was held back arrives. */
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
    /** Stops heartbeats and releases nothing, like a killed process. */
    kill: async () => {
      own.cut();
      await store.close();
      // Frees resources of this process; the brokers do not notice.
      void bus.close();
    },
  };
}

/** All records of the topic, by partition. */
export async function readAll(bus: Pick<KafkaBus, 'read'>, topic: string): Promise<readonly TopicRecord[]> {
  const all = await Promise.all(Array.from({ length: partitionsPerTopic }, (_, partition) => bus.read(topic, partition, 0n, 100_000)));
  return all.flat();
}

/** Sends each list as one batch to one partition, of records that are not events; `gzip`: compressed, as by foreign clients. */
export async function sendBatches(
  connection: KafkaConnection,
  {
    topic,
    partition,
    batches,
    gzip = false,
  }: { topic: string; partition: number; batches: readonly (readonly string[])[]; gzip?: boolean },
): Promise<void> {
  // Services only decompress: their codec cannot compress.
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
