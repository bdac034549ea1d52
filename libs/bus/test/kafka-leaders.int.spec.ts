/** A partition whose leader moves to another broker while records of other brokers are on their way: what a rolling restart does all day. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { partitionsPerTopic, topicOf } from '@readmit/contracts';
import { testDatabase, until, createTopics, openKafkaBus, refusalOf, withAdmin, type TestDatabase } from '@readmit/testing';
import type { ISocketFactory } from 'kafkajs';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { collect, textOf } from './conformance/collector.js';
import { partitionOf, type OutgoingRecord } from '../src/index.js';
import { startKafka, type KafkaServer } from '@readmit/servers';

const topic = topicOf('intake');
const late = 'arrives-late';
const record = (partition: number, text: string): OutgoingRecord => {
  const key = Array.from({ length: 100 }, (_, n) => `key-${n}`).find((one) => partitionOf(one) === partition);
  return { topic, key: key ?? 'none', headers: { ce_id: text }, value: Buffer.from(text) };
};

/** Connections whose answers are held back from the first on that has the text in it, each connection by itself. */
function holdingBack(text: string) {
  const heldBack: (() => void)[] = [];
  let open = false;
  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = net.connect({ host, port }, onConnect);
    const emit = socket.emit.bind(socket) as (event: string, ...args: unknown[]) => boolean;
    let holding = false;
    socket.emit = ((event: string, ...args: unknown[]): boolean => {
      holding ||= event === 'data' && (args[0] as Buffer).includes(text);
      if (open || !holding || event !== 'data') return emit(event, ...args);
      heldBack.push(() => emit(event, ...args));
      return true;
    }) as typeof socket.emit;
    return socket;
  };
  return {
    socketFactory,
    get holds(): boolean {
      return heldBack.length > 0;
    },
    letGo: (): void => {
      open = true;
      for (const give of heldBack.splice(0)) give();
    },
  };
}

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

/** Puts each partition on the one broker that is named for it. */
async function place(connection: Parameters<typeof withAdmin>[0], nodes: readonly number[]): Promise<void> {
  await withAdmin(connection, async (admin) => {
    const partitionAssignment = nodes.map((node, partition) => ({ partition, replicas: [node] }));
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
    await until(
      async () => {
        const { partitions } = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0] ?? { partitions: [] };
        return partitions.every(({ partitionId, leader, replicas }) => replicas.length === 1 && leader === nodes[partitionId]);
      },
      { what: 'the partitions are where they belong' },
    );
  });
}

describe('a partition whose leader moves', () => {
  it('R8.1 takes nothing from another partition: what was in the buffer of that comes again, although what follows was on its way already', async () => {
    const connection = { brokers: server.brokers, sasl: server.credentials('admin') };
    await createTopics(connection, [topic]);
    const others = Array.from({ length: partitionsPerTopic - 2 }, () => 1);
    await place(connection, [2, 1, ...others]);
    const way = holdingBack(late);
    const producer = await openKafkaBus(database, 'intake', { connection, graceMs: 600_000 });
    const consumer = await openKafkaBus(database, 'classification', {
      connection: { ...connection, socketFactory: way.socketFactory },
      sessionTimeoutMs: 6_000,
    });
    opened.push(producer, consumer);
    const say = async (records: readonly OutgoingRecord[]): Promise<void> => {
      await producer.store.transaction((tx) => producer.bus.write(tx, records));
      await producer.bus.publish(records);
    };
    const early = Array.from({ length: 30 }, (_, n) => `n${n}`);
    await say(early.map((text) => record(0, text)));
    const subscription = await consumer.bus.subscribe({ group: 'classification.spec', topics: [topic], member: 'a' });
    const taken = await subscription.next(10);
    if (!taken) throw new Error('the subscription was closed');
    await say([record(0, late)]);
    await until(() => way.holds, { what: 'the last record is on its way' });
    await place(connection, [2, 3, ...others]);
    // It has joined again.
    expect(await refusalOf(consumer.store, taken, 60_000)).toMatchObject({ name: 'StaleOwnerError' });
    way.letGo();
    const received: string[] = [];
    const reading = collect({
      subscription,
      transaction: consumer.store.transaction.bind(consumer.store),
      onBatch: (records) => received.push(...records.map(textOf)),
    });
    await until(() => received.includes(late), { what: 'the last record has come' });
    expect(received).toEqual([...early, late]);
    await subscription.close();
    expect(await reading).toBeUndefined();
  });
});
