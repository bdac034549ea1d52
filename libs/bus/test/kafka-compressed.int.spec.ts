/** Compressed batches, on a real broker: it compresses with the codecs of Kafka's own clients. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { partitionsPerTopic, topicOf } from '@readmit/contracts';
import {
  testDatabase,
  until,
  emptyTopics,
  recreateTopics,
  openKafkaBus,
  readAll,
  sendBatches,
  testBroker,
  withAdmin,
  type TestDatabase,
} from '@readmit/testing';
import { kafkaClient } from '../src/kafka/client.js';
import { mostBatchBytes } from '../src/kafka/codecs.js';
import type { KafkaConnection } from '../src/index.js';

const topic = topicOf('intake');
let connection: KafkaConnection;
beforeAll(async () => void (connection = await testBroker()), 240_000);

describe('a topic with compressed batches', () => {
  let database: TestDatabase;
  let opened: Awaited<ReturnType<typeof openKafkaBus>>;
  beforeEach(async () => {
    await emptyTopics(connection, [topic]);
    database = await testDatabase();
    opened = await openKafkaBus(database, 'classification');
  });
  afterEach(async () => {
    await opened.bus.close();
    await database.drop();
  });
  const long = (n: number): string => `${n} ${'a signal of ada; '.repeat(200)}`;
  const twenty = Array.from({ length: 20 }, (_, n) => long(n));

  it.each(['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'])('R8.3 is read like any other: %s', async (compression) => {
    await withAdmin(connection, (admin) =>
      recreateTopics(admin, [topic], partitionsPerTopic, [{ name: 'compression.type', value: compression }]),
    );
    await sendBatches(connection, { topic, partition: 1, batches: [twenty, [long(20)]] });
    const all = [...twenty, long(20)];
    expect((await readAll(opened.bus, topic)).map(({ value }) => value.toString())).toEqual(all);
    const subscription = await opened.bus.subscribe({ group: 'classification.spec', topics: [topic], member: 'reads' });
    const taken: string[] = [];
    while (taken.length < all.length) taken.push(...((await subscription.next(100))?.records ?? []).map(({ value }) => value.toString()));
    expect(taken).toEqual(all);
    await subscription.close();
  });

  it('R8.3 gives a part of what small batches hold, and the rest after it', async () => {
    const large = 'x'.repeat(mostBatchBytes / 4);
    await sendBatches(connection, { topic, partition: 1, batches: Array.from({ length: 12 }, () => [large, 'small']), gzip: true });
    const consumer = kafkaClient(connection, { clientId: 'spec-fetches', requestTimeoutMs: 10_000 }).consumer({ groupId: 'spec-fetches' });
    const fetched: number[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachBatch: async ({ batch }) => void fetched.push(batch.messages.length) });
    await until(() => fetched.reduce((sum, count) => sum + count, 0) === 24, { what: 'all is fetched' });
    await consumer.disconnect();
    // Four large ones are as much as one answer may hold.
    expect(Math.max(...fetched)).toBeLessThanOrEqual(8);
    expect((await readAll(opened.bus, topic)).map(({ value, offset }) => `${offset} ${value.length}`)).toEqual(
      Array.from({ length: 24 }, (_, n) => `${n} ${n % 2 === 0 ? large.length : 5}`),
    );
  });
});
