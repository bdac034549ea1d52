/** What goes wrong between a service and Kafka is told with its reason, waited out where it passes, and loses nothing. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { partitionsPerTopic, topicOf, type ServiceName } from '@readmit/contracts';
import {
  testDatabase,
  until,
  allow,
  emptyTopics,
  recreateTopics,
  openKafkaBus,
  readAll,
  testBroker,
  withAdmin,
  type TestDatabase,
} from '@readmit/testing';
import { AclOperationTypes, AclResourceTypes } from 'kafkajs';
import { kafkaClient } from '../src/kafka/client.js';
import { partitionOf, type KafkaBusOptions, type KafkaConnection, type OutgoingRecord, type Subscription } from '../src/index.js';

const topic = topicOf('intake');
const record = (key: string, text: string): OutgoingRecord => ({ topic, key, headers: { ce_id: text }, value: Buffer.from(text) });
const numbered = (count: number, prefix = 'n'): OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => record(`case-${n % 17}`, `${prefix}${n}`));

let admin: KafkaConnection;
let database: TestDatabase;
const opened: Awaited<ReturnType<typeof openKafkaBus>>[] = [];
beforeAll(async () => void (admin = await testBroker()), 240_000);
beforeEach(async () => {
  await emptyTopics(admin, [topic]);
  database = await testDatabase();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ bus }) => bus.close()));
  await database.drop();
});

async function open(service: ServiceName, options: Partial<KafkaBusOptions> = {}) {
  const one = await openKafkaBus(database, service, { graceMs: 600_000, ...options });
  opened.push(one);
  const write = (records: readonly OutgoingRecord[]) => one.store.transaction((tx) => one.bus.write(tx, records));
  return {
    ...one,
    write,
    say: async (records: readonly OutgoingRecord[]) => {
      await write(records);
      await one.bus.publish(records);
    },
    subscribe: (group = 'classification.spec', topics: readonly string[] = [topic]) => one.bus.subscribe({ group, topics, member: 'a' }),
  };
}

/** Takes and commits until so many different texts have come. */
async function takeTexts(subscription: Subscription, texts: Set<string>, count: number): Promise<void> {
  while (texts.size < count) {
    const batch = await subscription.next(100);
    if (!batch) throw new Error('the subscription was closed');
    for (const { value } of batch.records) texts.add(value.toString());
    await batch.afterCommit();
  }
}
const textsOf = (records: readonly { readonly value: Buffer }[]): string[] => records.map(({ value }) => value.toString()).sort();

describe('a configuration that cannot work is refused with what to do', () => {
  it('a wrong password', async () => {
    const wrong = { ...admin, sasl: { mechanism: 'scram-sha-512', username: 'readmit-classification', password: 'not-this-one' } as const };
    const { subscribe } = await open('classification', { connection: wrong });
    await expect(subscribe()).rejects.toThrow('user name or password is wrong; check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD_FILE');
  });

  it('an unknown topic, to read and to write', async () => {
    await withAdmin(admin, (one) => one.deleteTopics({ topics: [topic] }));
    const { subscribe, bus, say } = await open('intake');
    const unknown = 'UNKNOWN_TOPIC_OR_PARTITION: the topic or a partition of it does not exist';
    await expect(subscribe('intake.spec')).rejects.toThrow(`group intake.spec could not read ${topic}: ${unknown}`);
    await expect(bus.read(topic, 0, 0n, 1)).rejects.toThrow(`reading ${topic}/0: ${unknown}`);
    await expect(say(numbered(3))).rejects.toThrow(`3 records could not be sent to ${topic}: ${unknown}`);
    await withAdmin(admin, (one) => recreateTopics(one, [topic]));
    await until(async () => (await bus.outbox()).waiting === 0, { what: 'the relay has sent them' });
    expect(textsOf(await readAll(bus, topic))).toEqual(['n0', 'n1', 'n2']);
  });

  it('R8.3 a service that may not write, read or join: nothing is on the topic, and with the right it works', async () => {
    const stranger = await open('intake', { connection: await testBroker('readmit-intake') });
    const reader = await open('classification', { connection: await testBroker('readmit-classification') });
    const denied = "TOPIC_AUTHORIZATION_FAILED: the topic's ACLs do not let this user do it";
    await expect(stranger.say(numbered(1, 'nobody'))).rejects.toThrow(
      'CLUSTER_AUTHORIZATION_FAILED: the ACLs let this user write to no topic at all',
    );
    await stranger.bus.close();
    await allow(admin, 'readmit-intake', {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: topicOf('approval'),
      operation: AclOperationTypes.WRITE,
    });
    const intake = await open('intake', { connection: await testBroker('readmit-intake') });
    // What the first one left goes first, so these wait behind it.
    await intake.say(numbered(2));
    await until(() => intake.troubles.some((one) => String(one).includes(`could not be sent to ${topic}: ${denied}`)), {
      what: 'the relay is refused',
    });
    await expect(reader.subscribe()).rejects.toThrow(`group classification.spec could not read ${topic}: ${denied}`);
    const all = await open('approval');
    expect(await readAll(all.bus, topic)).toEqual([]);
    await allow(admin, 'readmit-intake', { resourceType: AclResourceTypes.TOPIC, resourceName: topic, operation: AclOperationTypes.WRITE });
    await until(async () => (await intake.bus.outbox()).waiting === 0, { what: 'the relay may send now' });
    await allow(admin, 'readmit-classification', {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: topic,
      operation: AclOperationTypes.READ,
    });
    await expect(reader.subscribe()).rejects.toThrow(
      'GROUP_AUTHORIZATION_FAILED: the ACLs do not let this user read with this consumer group',
    );
    await allow(admin, 'readmit-classification', {
      resourceType: AclResourceTypes.GROUP,
      resourceName: 'classification',
      operation: AclOperationTypes.READ,
    });
    const texts = new Set<string>();
    await takeTexts(await reader.subscribe(), texts, 3);
    expect([...texts].sort()).toEqual(['n0', 'n1', 'nobody0']);
  });
});

describe('a send', () => {
  it('that is never answered is given up at our deadline; its events arrive, and what is said meanwhile waits for nobody', async () => {
    const { bus, say, wire } = await open('intake', { sendTimeoutMs: 1_000 });
    await say([record('case-1', 'before')]);
    wire.deafen();
    const asked = performance.now();
    await expect(say([record('case-1', 'unanswered')])).rejects.toThrow('sending: no answer within 1000 ms');
    expect(performance.now() - asked).toBeLessThan(8_000);
    const meanwhile = performance.now();
    for (let n = 0; n < 20; n++) await say([record('case-1', `meanwhile-${n}`)]);
    expect(performance.now() - meanwhile).toBeLessThan(8_000);
    expect((await bus.outbox()).waiting).toBeGreaterThanOrEqual(21);
    wire.restore();
    await until(async () => (await bus.outbox()).waiting === 0, { what: 'the relay has sent everything' });
    const texts = new Set(textsOf(await readAll(bus, topic)));
    expect([...texts].sort()).toEqual(['before', 'unanswered', ...Array.from({ length: 20 }, (_, n) => `meanwhile-${n}`)].sort());
    await say([record('case-1', 'after')]);
    expect(textsOf(await readAll(bus, topic))).toContain('after');
  });

  it('that arrives at a part of its partitions has failed, and the rest arrives once they are there', async () => {
    await withAdmin(admin, (one) => recreateTopics(one, [topic], 2));
    const { bus, say } = await open('intake');
    const records = numbered(60);
    await expect(say(records)).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION: the topic or a partition of it does not exist');
    expect((await bus.outbox()).waiting).toBe(60);
    await withAdmin(admin, (one) => one.createPartitions({ topicPartitions: [{ topic, count: partitionsPerTopic }] }));
    await until(async () => (await bus.outbox()).waiting === 0, { what: 'the relay has sent them' });
    const all = await readAll(bus, topic);
    expect(new Set(textsOf(all))).toEqual(new Set(textsOf(records)));
    for (const one of all) expect(one.partition).toBe(partitionOf(one.key));
  });
});

describe('a topic that is deleted and made again', () => {
  it('is written and read on, by the producer and the consumer that knew the old one', async () => {
    const producer = await open('intake');
    const consumer = await open('classification');
    const subscription = await consumer.subscribe();
    const texts = new Set<string>();
    await producer.say(numbered(20, 'old'));
    await takeTexts(subscription, texts, 20);
    await withAdmin(admin, (one) => recreateTopics(one, [topic]));
    await producer.say(numbered(5, 'new')).catch(() => undefined);
    await until(async () => (await producer.bus.outbox()).waiting === 0, { what: 'the new ones are sent' });
    await takeTexts(subscription, texts, 25);
    expect([...texts].filter((text) => text.startsWith('new')).sort()).toEqual(['new0', 'new1', 'new2', 'new3', 'new4']);
  });
});

describe('the client', () => {
  it('arms no timer on a connection that is idle: the patch of kafkajs is applied', async () => {
    const one = kafkaClient(admin, { clientId: 'spec-idle', requestTimeoutMs: 10_000 }).admin();
    await one.connect();
    await one.listTopics();
    const armed = globalThis.setTimeout;
    let count = 0;
    const counting = Object.assign((...args: Parameters<typeof setTimeout>) => {
      count++;
      return armed(...args);
    }, armed) as typeof setTimeout;
    globalThis.setTimeout = counting;
    try {
      await new Promise((resolve) => armed(resolve, 300));
    } finally {
      globalThis.setTimeout = armed;
      await one.disconnect();
    }
    // Unpatched: about 270 in this time.
    expect(count).toBeLessThan(10);
  });
});
