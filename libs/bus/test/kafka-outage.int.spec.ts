/** Brokers that die and come back: services go on saying things, and everything arrives once they are there again. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { topicOf } from '@readmit/contracts';
import { testDatabase, until, createTopics, openKafkaBus, type TestDatabase } from '@readmit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { collectOn, Received } from './conformance/collector.js';
import { startKafka, type KafkaServer } from '@readmit/servers';
import type { OutgoingRecord } from '../src/index.js';

const topic = topicOf('intake');
const record = (key: string, text: string): OutgoingRecord => ({ topic, key, headers: { ce_id: text }, value: Buffer.from(text) });

let database: TestDatabase;
let server: KafkaServer;
let dataDir: string;
const opened: Awaited<ReturnType<typeof openKafkaBus>>[] = [];
beforeEach(async () => {
  database = await testDatabase();
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'readmit-kafka-outage-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ bus }) => bus.close()));
  await database.drop();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** A cluster with the topic, a service that publishes numbered events, and one that consumes them. */
async function stand(nodes: 1 | 3) {
  server = await startKafka({
    dataDir,
    nodes,
    settings: { 'group.min.session.timeout.ms': '200', 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '300' },
  });
  const connection = { brokers: server.brokers, sasl: server.credentials('admin') };
  await createTopics(connection, [topic]);
  const open = async (service: 'intake' | 'classification') => {
    const one = await openKafkaBus(database, service, { connection, graceMs: 600_000, sendTimeoutMs: 2_000 });
    opened.push(one);
    return one;
  };
  const producer = await open('intake');
  const consumer = await open('classification');
  const received = new Received();
  void collectOn({
    subscription: await consumer.bus.subscribe({ group: 'classification.spec', topics: [topic], member: 'a' }),
    transaction: consumer.store.transaction.bind(consumer.store),
    onBatch: (records) => received.add('a', records),
  });
  const said: string[] = [];
  return {
    producer,
    received,
    /** One transaction with ten events; gives how long it took, the wait for the brokers included. */
    say: async (): Promise<number> => {
      const from = performance.now();
      const records = Array.from({ length: 10 }, (_, n) => record(`key-${n}`, `n${said.length + n}`));
      await producer.store.transaction((tx) => producer.bus.write(tx, records));
      said.push(...records.map(({ value }) => value.toString()));
      await producer.bus.publish(records).catch((error: unknown) => expect(error).toMatchObject({ name: 'KafkaError' }));
      return performance.now() - from;
    },
    everythingArrives: async (): Promise<void> => {
      await received.until(() => said.every((text) => received.texts.includes(text)), 'everything said is received');
      await until(async () => (await producer.bus.outbox()).waiting === 0, { what: 'nothing waits in the outbox' });
    },
  };
}

describe('one broker', () => {
  it('R8.1 that dies and comes back: what was said meanwhile waits without holding anybody up, and arrives', async () => {
    const { say, everythingArrives, producer } = await stand(1);
    await say();
    await everythingArrives();
    await server.kill(1);
    await say();
    const held: number[] = [];
    for (let n = 0; n < 20; n++) held.push(await say());
    // The first found out; the others did not even try.
    expect(Math.max(...held)).toBeLessThan(2_000);
    expect((await producer.bus.outbox()).waiting).toBe(210);
    await server.restart(1);
    await everythingArrives();
    expect(await say()).toBeLessThan(5_000);
    await everythingArrives();
  });
});

describe('three brokers', () => {
  it('R8.1 go on when one is killed; below the least in-sync copies nothing counts as sent, and nothing is lost', async () => {
    const { say, everythingArrives, producer } = await stand(3);
    await say();
    await everythingArrives();
    await server.kill(1);
    for (let n = 0; n < 20; n++) await say();
    await everythingArrives();

    await server.kill(2);
    await say();
    await say();
    expect((await producer.bus.outbox()).waiting).toBe(20);
    await server.restart(2);
    await everythingArrives();
    await server.restart(1);
    await say();
    await everythingArrives();
  });
});
