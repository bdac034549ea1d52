/** Partitions whose leader moves to another broker while a slow consumer has a full buffer: what a rolling restart does all day. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { partitionsPerTopic, topicOf } from '@readmit/contracts';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { collect, textOf } from '../src/conformance/collector.js';
import { startKafka, type KafkaServer, type OutgoingRecord } from '../src/index.js';
import { makeAnew, openKafkaBus, withAdmin } from './kafka-harness.js';

jest.setTimeout(600_000);

const topic = topicOf('intake');
const record = (n: number): OutgoingRecord => ({ topic, key: `key-${n % 97}`, headers: { ce_id: `n${n}` }, value: Buffer.from(`n${n}`) });

let database: TestDatabase;
let server: KafkaServer;
let dataDir: string;
const opened: Awaited<ReturnType<typeof openKafkaBus>>[] = [];
beforeAll(async () => {
  database = await testDatabase();
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'readmit-kafka-leaders-'));
  server = await startKafka({ dataDir, nodes: 3, settings: { 'group.min.session.timeout.ms': '200' } });
});
afterAll(async () => {
  await Promise.all(opened.splice(0).map(({ bus }) => bus.close()));
  await database.drop();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe('a partition whose leader moves', () => {
  it('R8.1 is read on without a gap, whatever lay in the buffer and was being fetched from the other brokers', async () => {
    const connection = { brokers: server.brokers, sasl: server.credentials('admin') };
    await until(
      () =>
        withAdmin(connection, (admin) => makeAnew(admin, [topic])).then(
          () => true,
          () => false,
        ),
      { what: 'the topic is made', timeoutMs: 60_000 },
    );
    const move = (turn: number): Promise<void> =>
      withAdmin(connection, async (admin) => {
        const partitionAssignment = Array.from({ length: partitionsPerTopic }, (_, partition) => ({
          partition,
          // A third of the partitions goes to the next broker; the others are being read meanwhile.
          replicas: [((partition + (partition % 3 === turn % 3 ? turn : turn - 1)) % 3) + 1],
        }));
        await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
        await until(async () => (await admin.listPartitionReassignments({})).topics.length === 0, {
          what: 'the partitions have moved',
          timeoutMs: 60_000,
        });
      });
    const open = async (service: 'intake' | 'classification') => {
      const one = await openKafkaBus(database, service, { connection, graceMs: 600_000, sessionTimeoutMs: 6_000 });
      opened.push(one);
      return one;
    };
    const producer = await open('intake');
    const consumer = await open('classification');
    const received = new Set<string>();
    const subscription = await consumer.bus.subscribe({ group: 'classification.spec', topics: [topic], member: 'a' });
    const reading = async (): Promise<unknown> => {
      for (;;) {
        const failure = await collect({
          subscription,
          transaction: consumer.store.transaction.bind(consumer.store),
          onBatch: (records) => records.forEach((one) => received.add(textOf(one))),
          max: 20,
        });
        // As the consumer of a service does: what a rebalance took away comes again.
        if ((failure as Error | undefined)?.name !== 'StaleOwnerError') return failure;
      }
    };
    const read = reading();
    let said = 0;
    for (let turn = 1; turn <= 6; turn++) {
      let moved = false;
      const moving = move(turn).finally(() => (moved = true));
      do {
        const records = Array.from({ length: 200 }, () => record(said++));
        await producer.store.transaction((tx) => producer.bus.write(tx, records));
        await producer.bus.publish(records).catch((error: unknown) => expect(error).toMatchObject({ name: 'KafkaError' }));
        // Enough for a full buffer at any time, and no more.
        await until(() => said - received.size < 1_500, { what: 'the consumer keeps up', timeoutMs: 60_000 });
      } while (!moved);
      await moving;
    }
    await until(async () => (await producer.bus.outbox()).waiting === 0, { what: 'everything is sent', timeoutMs: 60_000 });
    await until(
      () =>
        subscription.lag().then(
          (lag) => lag === 0n,
          () => false,
        ),
      { what: 'the consumer is at the end', timeoutMs: 60_000 },
    );
    await subscription.close();
    expect(await read).toBeUndefined();
    expect(Array.from({ length: said }, (_, n) => `n${n}`).filter((text) => !received.has(text))).toEqual([]);
  });
});
