/**
 * The embedded bus passes the conformance suite of the bus, and keeps what only a bus inside PostgreSQL promises: rights by
 * topic, a constant number of statements, hints, caps. Restarts of the database: embedded-restart.int.spec.ts.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, tablesOfTopic } from '@readmit/store';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import pg from 'pg';
import { busConformance } from './conformance/bus-conformance.js';
import type { BusHarness } from './conformance/harness.js';
import { EmbeddedBus, type EmbeddedBusOptions } from '../src/embedded/embedded-bus.js';
import { partitionOf } from '../src/partition-of.js';

async function makeHarness(): Promise<BusHarness> {
  const database = await testDatabase();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(
    'CREATE TABLE classification.spec_note (text text); GRANT SELECT, INSERT ON classification.spec_note TO readmit_classification',
  );
  await owner.end();
  const buses: EmbeddedBus[] = [];
  return {
    open: async (service) => {
      // A store for each, so that one of them can die.
      const store = await database.store(service);
      const bus = await EmbeddedBus.open({ service, store, leaseMs: 600, pollMs: 100 });
      buses.push(bus);
      return {
        bus,
        transaction: (work) => store.transaction(work),
        note: async (tx, text) => void (await tx.query('INSERT INTO spec_note VALUES ($1)', [text])),
        notes: async () => (await store.query<{ text: string }>('SELECT text FROM spec_note')).map(({ text }) => text),
        kill: () => store.close(),
      };
    },
    close: async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      await database.drop();
    },
  };
}

busConformance('embedded', makeHarness, { inTransaction: true });

describe('embedded bus', () => {
  let database: TestDatabase;
  const buses: EmbeddedBus[] = [];
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterEach(() => Promise.all(buses.splice(0).map((bus) => bus.close())));
  afterAll(() => database.drop());

  const open = async (service: ServiceName, options: Partial<EmbeddedBusOptions> = {}) => {
    const store = await database.store(service);
    const bus = await EmbeddedBus.open({ service, store, ...options });
    buses.push(bus);
    return { store, bus };
  };
  const records = (service: ServiceName, count: number, bytes = 10) =>
    Array.from({ length: count }, (_, n) => ({
      topic: topicOf(service),
      key: `case-${n}`,
      headers: { ce_id: `e${n}` },
      value: Buffer.alloc(bytes, n),
    }));

  it.each([
    [
      'append to',
      `INSERT INTO ${busSchema}.${tablesOfTopic(topicOf('approval')).log} (partition, "offset", key, headers, value) VALUES (0, 0, 'k', '{}', '')`,
    ],
    ['move the head of', `UPDATE ${busSchema}.${tablesOfTopic(topicOf('approval')).head} SET next_offset = 7`],
    ['rewrite', `UPDATE ${busSchema}.${tablesOfTopic(topicOf('approval')).log} SET value = ''`],
    ['remove from', `DELETE FROM ${busSchema}.${tablesOfTopic(topicOf('approval')).log}`],
  ])('R8.1 R8.3 the database does not let a service %s the topic of another', async (_, sql) => {
    const { store } = await open('intake');
    await expect(store.query(sql)).rejects.toMatchObject({
      code: '42501',
      message: expect.stringContaining(tablesOfTopic(topicOf('approval')).log),
    });
  });

  it('R8.3 the database does not let a service rewrite its own topic', async () => {
    const { store } = await open('intake');
    for (const sql of [
      `UPDATE ${busSchema}.readmit_intake_v1 SET value = ''`,
      `DELETE FROM ${busSchema}.readmit_intake_v1`,
      `TRUNCATE ${busSchema}.readmit_intake_v1`,
    ]) {
      await expect(store.query(sql)).rejects.toMatchObject({ code: '42501', message: 'permission denied for table readmit_intake_v1' });
    }
  });

  it('R8.3 a bus that writes to a foreign topic is refused by the database; its own topic works', async () => {
    const { store, bus } = await open('intake');
    await expect(store.transaction((tx) => bus.write(tx, records('approval', 1)))).rejects.toMatchObject({
      code: '42501',
      message: expect.stringContaining('readmit_approval_v1'),
    });
    await store.transaction((tx) => bus.write(tx, records('intake', 1)));
    const [first] = records('intake', 1);
    expect(await bus.read(topicOf('intake'), partitionOf('case-0'), 0n, 10)).toMatchObject([{ key: 'case-0', value: first?.value }]);
  });

  it('writes, fetches and moves the position with one statement each, whatever the number of records', async () => {
    const producer = await open('execution');
    const consumer = await open('audit');
    const before = producer.store.counters.statements;
    await producer.store.transaction((tx) => producer.bus.write(tx, records('execution', 200)));
    expect(producer.store.counters.statements - before).toBe(1);

    const subscription = await consumer.bus.subscribe({
      group: 'audit.spec',
      topics: [topicOf('execution'), topicOf('approval'), topicOf('intake')],
      member: 'a',
    });
    const { statements } = consumer.store.counters;
    const batch = await subscription.next(500);
    expect(consumer.store.counters.statements - statements).toBe(1);
    await consumer.store.transaction(async (tx) => batch?.commit(tx));
    expect(consumer.store.counters.statements - statements).toBe(2);
    expect(batch?.records.filter(({ topic }) => topic === topicOf('execution'))).toHaveLength(200);
  });

  it('ends a batch at about one MiB, but never with less than one record', async () => {
    const { store, bus } = await open('approval');
    await store.transaction((tx) => bus.write(tx, [...records('approval', 1, 3_000_000), ...records('approval', 30, 100_000)]));
    const reading = await open('execution');
    const subscription = await reading.bus.subscribe({ group: 'execution.bytes', topics: [topicOf('approval')], member: 'a' });
    const sizes: number[] = [];
    let count = 0;
    while (count < 31) {
      const batch = await subscription.next(500);
      if (!batch) throw new Error('closed');
      sizes.push(batch.records.reduce((sum, { value }) => sum + value.length, 0));
      count += batch.records.length;
      await reading.store.transaction((tx) => batch.commit(tx));
    }
    expect(count).toBe(31);
    expect(sizes.length).toBeGreaterThanOrEqual(4);
    // The record that passes the cap still comes.
    expect(Math.max(...sizes)).toBeLessThan(1_048_576 + 3_000_000);
  });

  it('wakes a waiting reader by a hint, long before it would look by itself', async () => {
    const producer = await open('classification');
    const consumer = await open('execution', { pollMs: 600_000 });
    const subscription = await consumer.bus.subscribe({ group: 'execution.hint', topics: [topicOf('classification')], member: 'a' });
    const say = (): Promise<void> => producer.store.transaction((tx) => producer.bus.write(tx, records('classification', 1)));
    await say();
    const first = await subscription.next(10);
    await consumer.store.transaction(async (tx) => first?.commit(tx));
    // The hints of joining are behind; now it looks once, finds nothing, and waits.
    const { statements } = consumer.store.counters;
    const waiting = subscription.next(10);
    await until(() => consumer.store.counters.statements > statements, { what: 'the reader has looked' });
    await say();
    expect((await waiting)?.records).toHaveLength(1);
  });

  it('gives the partitions of a member that closes to the other at once, long before a lease would end', async () => {
    const producer = await open('audit');
    const options = { leaseMs: 600_000, pollMs: 600_000 };
    const [staying, leaving] = [await open('intake', options), await open('intake', options)];
    const join = (from: typeof staying, member: string) =>
      from.bus.subscribe({ group: 'intake.close', topics: [topicOf('audit')], member });
    const [stays, leaves] = [await join(staying, 'a'), await join(leaving, 'b')];
    const owners = async (): Promise<number> =>
      (await staying.store.query(`SELECT DISTINCT owner FROM position WHERE group_name = 'intake.close'`)).length;
    const received: string[] = [];
    const reading = (async () => {
      while (received.length < 40) {
        const batch = await stays.next(100);
        if (!batch) return;
        await staying.store.transaction((tx) => batch.commit(tx));
        received.push(...batch.records.map(({ key }) => key));
      }
    })();
    const other = leaves.next(100);
    await until(async () => (await owners()) === 2, { what: 'both members hold partitions' });
    await leaves.close();
    expect(await other).toBeUndefined();
    await producer.store.transaction((tx) => producer.bus.write(tx, records('audit', 40)));
    await reading;
    expect(new Set(received).size).toBe(40);
  });

  it('finds a record whose hint was lost when it looks by itself', async () => {
    const producer = await open('revocation-scheduler');
    const consumer = await open('execution', { pollMs: 50 });
    const subscription = await consumer.bus.subscribe({ group: 'execution.poll', topics: [topicOf('revocation-scheduler')], member: 'a' });
    const waiting = subscription.next(10);
    await producer.store.query(
      `INSERT INTO ${busSchema}.readmit_revocation_scheduler_v1 (partition, "offset", key, headers, value) VALUES (0, 0, 'k', '{}', 'x')`,
    );
    expect((await waiting)?.records).toHaveLength(1);
  });

  it('does not let a long backlog of one topic starve another', async () => {
    const [one, other] = [await open('intake'), await open('approval')];
    const consumer = await open('audit');
    const subscription = await consumer.bus.subscribe({
      group: 'audit.fair',
      topics: [topicOf('intake'), topicOf('approval')],
      member: 'a',
    });
    await one.store.transaction((tx) => one.bus.write(tx, records('intake', 300)));
    await other.store.transaction((tx) =>
      other.bus.write(tx, [{ topic: topicOf('approval'), key: 'late', headers: {}, value: Buffer.from('late') }]),
    );
    const keys: string[] = [];
    for (let batches = 0; batches < 12; batches++) {
      const batch = await subscription.next(20);
      if (!batch) throw new Error('closed');
      keys.push(...batch.records.map(({ key }) => key));
      await consumer.store.transaction((tx) => batch.commit(tx));
    }
    expect(keys).toContain('late');
    expect(keys.length).toBeLessThanOrEqual(240);
  });

  it('refuses a topic that the catalogue does not know', async () => {
    const { bus } = await open('intake');
    await expect(bus.read('readmit.intake.v1; DROP', 0, 0n, 1)).rejects.toThrow(
      'there is no topic "readmit.intake.v1; DROP" in the event catalogue',
    );
  });
});
