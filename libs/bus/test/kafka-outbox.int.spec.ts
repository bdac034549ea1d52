/** What is committed reaches Kafka: at once and cheaply in good times, by the relay after crashes, and never twice the harm. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { topicOf, type ServiceName } from '@readmit/contracts';
import { testDatabase, until, emptyTopics, openKafkaBus, readAll, testBroker, type TestDatabase } from '@readmit/testing';
import pg from 'pg';
import { partitionOf, type KafkaBusOptions, type OutgoingRecord } from '../src/index.js';

const topic = topicOf('intake');
const record = (key: string, text: string): OutgoingRecord => ({ topic, key, headers: { ce_id: text }, value: Buffer.from(text) });
const numbered = (count: number, prefix = 'n'): OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => record(`case-${n % 5}`, `${prefix}${n}`));

let database: TestDatabase;
const opened: Awaited<ReturnType<typeof openKafkaBus>>[] = [];
beforeAll(async () => void (await testBroker()), 240_000);
beforeEach(async () => {
  await emptyTopics(await testBroker(), [topic, topicOf('audit')]);
  database = await testDatabase();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ bus }) => bus.close()));
  await database.drop();
});

async function open(service: ServiceName = 'intake', options: Partial<KafkaBusOptions> = {}) {
  const one = await openKafkaBus(database, service, { graceMs: 600, ...options });
  opened.push(one);
  return { ...one, write: (records: readonly OutgoingRecord[]) => one.store.transaction((tx) => one.bus.write(tx, records)) };
}
const asOwner = async <Row>(sql: string): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
};
const textsOf = async (from: Awaited<ReturnType<typeof open>>, of = topic): Promise<string[]> =>
  (await readAll(from.bus, of)).map(({ value }) => value.toString());

describe('the outbox', () => {
  it('costs one statement a transaction whatever its size, and one for the confirmations of many transactions', async () => {
    const { bus, store } = await open('intake', { graceMs: 600_000 });
    const before = store.counters.statements;
    const batches = [1, 50, 500].map((size) => numbered(size, `of${size}/`));
    for (const records of batches) {
      await store.transaction((tx) => bus.write(tx, records));
      await bus.publish(records);
    }
    const { statements } = store.counters;
    await until(async () => (await bus.outbox()).waiting === 0, { what: 'everything is confirmed' });
    const asked = store.counters.statements - statements;
    expect(statements - before).toBeLessThanOrEqual(batches.length + 1);
    // Each question of `until` is one statement, too; the rest took the rows away.
    expect(asked).toBeGreaterThan(0);
    expect(await asOwner('SELECT count(*)::integer AS events FROM intake.outbox')).toEqual([{ events: 551 }]);
    expect(await asOwner('SELECT count(*)::integer AS events FROM intake.outbox_default')).toEqual([{ events: 0 }]);
  });

  it('says how many events wait and for how long, and nothing when none does', async () => {
    const { bus, write } = await open('intake', { graceMs: 600_000 });
    expect(await bus.outbox()).toEqual({ waiting: 0, oldestSeconds: 0 });
    await write(numbered(7));
    const { waiting, oldestSeconds } = await bus.outbox();
    expect(waiting).toBe(7);
    expect(oldestSeconds).toBeGreaterThan(0);
    expect(oldestSeconds).toBeLessThan(60);
  });

  it('R8.1 sends what a process had committed and not sent when it died, in order along each key', async () => {
    const dying = await open('intake', { graceMs: 600_000 });
    for (let batch = 0; batch < 30; batch++) await dying.write(numbered(7, `b${String(batch).padStart(2, '0')}/`));
    await dying.kill();
    const heir = await open();
    await until(async () => (await heir.bus.outbox()).waiting === 0, { what: 'the relay has sent everything' });
    const all = await readAll(heir.bus, topic);
    expect(all).toHaveLength(210);
    for (const key of new Set(all.map((one) => one.key))) {
      const texts = all.filter((one) => one.key === key).map(({ value }) => value.toString());
      expect(texts).toEqual([...texts].sort());
    }
  });

  it('R8.1 says nothing before what a process had committed for the same key and not sent when it died, however soon the next one speaks', async () => {
    const dying = await open('intake', { graceMs: 600_000 });
    await dying.write([record('case-1', 'a: started')]);
    await dying.kill();
    const heir = await open('intake', { graceMs: 600_000 });
    const said = [record('case-1', 'b: succeeded')];
    await heir.write(said);
    await heir.bus.publish(said);
    await until(async () => (await heir.bus.outbox()).waiting === 0, { what: 'both are sent' });
    expect(await textsOf(heir)).toEqual(['a: started', 'b: succeeded']);
  });

  it('R8.1 says nothing before what another process, alive when this one began, has committed for the same key', async () => {
    const [other, heir] = [await open('intake', { graceMs: 600_000 }), await open('intake', { graceMs: 600_000 })];
    await other.write([record('case-1', 'a: started')]);
    await other.kill();
    const elsewhere = numbered(5).find(({ key }) => partitionOf(key) !== partitionOf('case-1')) ?? record('', '');
    const said = [[elsewhere], [record('case-1', 'b: succeeded')], [record('case-1', 'c: closed')]];
    for (const records of said) {
      await heir.write(records);
      await heir.bus.publish(records);
      // The control: what lies on another partition is sent at once and waits for nobody.
      if (records === said[0]) expect(await textsOf(heir)).toEqual([elsewhere.value.toString()]);
    }
    await until(async () => (await heir.bus.outbox()).waiting === 0, { what: 'all are sent' });
    const ofCase = (await readAll(heir.bus, topic)).filter(({ key }) => key === 'case-1').map(({ value }) => value.toString());
    expect(ofCase).toEqual(['a: started', 'b: succeeded', 'c: closed']);
  });

  it('R8.1 skips no transaction that commits late, behind one that began after it', async () => {
    const dying = await open('intake', { graceMs: 600_000 });
    const heir = await open();
    const late = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const slow = dying.store.transaction(async (tx) => {
      await dying.bus.write(tx, [record('case-1', 'late')]);
      written.resolve();
      await late.promise;
    });
    await written.promise;
    await dying.write([record('case-2', 'early')]);
    await until(async () => (await textsOf(heir)).includes('early'), { what: 'the relay has passed the place of the late one' });
    expect(await textsOf(heir)).toEqual(['early']);
    late.resolve();
    await slow;
    await dying.kill();
    await until(async () => (await textsOf(heir)).includes('late'), { what: 'the relay has sent the late one' });
  });

  it('is swept by one relay at a time: two processes send what was left once', async () => {
    const dying = await open('intake', { graceMs: 600_000 });
    for (let batch = 0; batch < 40; batch++) await dying.write(numbered(50, `b${batch}/`));
    await dying.kill();
    const [one] = await Promise.all([open(), open()]);
    await until(async () => (await one.bus.outbox()).waiting === 0, { what: 'the relays have sent everything' });
    const texts = await textsOf(one);
    expect(texts).toHaveLength(2_000);
    expect(new Set(texts).size).toBe(2_000);
  });

  it('keeps what a transaction wrote that was rolled back to itself', async () => {
    const { bus, store, write } = await open();
    await expect(
      store.transaction(async (tx) => {
        await bus.write(tx, [record('case-1', 'never said')]);
        throw new Error('the work failed');
      }),
    ).rejects.toThrow('the work failed');
    await write([record('case-1', 'said')]);
    await until(async () => (await bus.outbox()).waiting === 0, { what: 'the relay has sent what is there' });
    expect(await textsOf({ bus } as Awaited<ReturnType<typeof open>>)).toEqual(['said']);
  });

  it('sends everything since an instant again, for brokers that lost what they had confirmed', async () => {
    const { bus, write } = await open('intake', { graceMs: 600_000 });
    const before = numbered(3, 'before/');
    await write(before);
    await bus.publish(before);
    const [{ now } = { now: new Date() }] = await asOwner<{ now: Date }>(`SELECT clock_timestamp() + interval '1 millisecond' AS now`);
    await until(() => new Date() > now, { what: 'a millisecond has gone by' });
    const since = numbered(4, 'since/');
    await write(since);
    await bus.publish(since);
    await until(async () => (await bus.outbox()).waiting === 0, { what: 'everything is confirmed' });
    await emptyTopics(await testBroker(), [topic]);
    const again = await open('intake', { graceMs: 600_000 });
    expect(await again.bus.republish(now)).toBe(4);
    expect((await textsOf(again)).sort()).toEqual(since.map(({ value }) => value.toString()));
    expect(await again.bus.republish(new Date(0))).toBe(7);
  });

  it('leaves one transaction whose events Kafka refuses where it is, and sends the others', async () => {
    const dying = await open('intake', { graceMs: 600_000 });
    await dying.write([record('case-1', 'first')]);
    await dying.write([{ ...record('case-2', 'x'), value: Buffer.alloc(2_500_000) }]);
    await dying.write([record('case-1', 'second')]);
    await dying.kill();
    const heir = await open();
    await until(async () => (await heir.bus.outbox()).waiting === 1, { what: 'only the large one waits' });
    // Sent together first and then one by one: what stood before the large one may be there twice.
    expect(new Set(await textsOf(heir))).toEqual(new Set(['first', 'second']));
    expect(heir.troubles.map(String)).toContainEqual(expect.stringContaining('MESSAGE_TOO_LARGE'));
    // What comes later for that key waits for it no longer.
    const later = [record('case-2', 'later')];
    await heir.write(later);
    await heir.bus.publish(later);
    expect(await textsOf(heir)).toContain('later');
  });

  it('R8.3 refuses to write to the topic of another service; its own is taken', async () => {
    const { store, bus } = await open();
    const foreign = { ...record('case-1', 'x'), topic: topicOf('approval') };
    await expect(store.transaction((tx) => bus.write(tx, [foreign]))).rejects.toThrow(
      'intake writes to its own topic alone, not to "readmit.approval.v1"',
    );
    await store.transaction((tx) => bus.write(tx, [record('case-1', 'x')]));
  });
});

describe('the days of the outbox', () => {
  const partitions = async (): Promise<string[]> =>
    (
      await asOwner<{ relname: string }>(
        `SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace = 'intake'::regnamespace ORDER BY relname`,
      )
    ).map(({ relname }) => relname);
  const addDay = (daysAgo: number): Promise<unknown> =>
    asOwner(`DO $$ DECLARE day date := (now() AT TIME ZONE 'UTC')::date - ${daysAgo}; BEGIN
      EXECUTE format('CREATE TABLE intake.outbox_%s PARTITION OF intake.outbox FOR VALUES FROM (%L) TO (%L)',
        to_char(day, 'YYYYMMDD'), day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END $$`);

  it('are made ahead by the service and dropped by it once they are a month old, but not while something in them waits', async () => {
    const { store } = await open();
    const today = await partitions();
    expect(today.filter((name) => /^outbox_\d{8}$/.test(name))).toHaveLength(4);
    await addDay(31);
    await addDay(30);
    await asOwner(`INSERT INTO intake.outbox_unsent VALUES (-1, now() - interval '31 days', 1)`);
    expect(await store.query('SELECT * FROM outbox_days()')).toEqual([{ made: 0, dropped: 0 }]);
    await asOwner('DELETE FROM intake.outbox_unsent');
    expect(await store.query('SELECT * FROM outbox_days()')).toEqual([{ made: 0, dropped: 1 }]);
    expect((await partitions()).length).toBe(today.length + 1);
  });

  it('lose no event when nobody has made the day: it goes where all days go, and the day is made again later', async () => {
    const { store, write, bus } = await open('intake', { graceMs: 600_000 });
    for (const name of (await partitions()).filter((one) => /^outbox_\d{8}$/.test(one))) await asOwner(`DROP TABLE intake.${name}`);
    await write([record('case-1', 'homeless')]);
    expect(await asOwner('SELECT count(*)::integer AS events FROM intake.outbox_default')).toEqual([{ events: 1 }]);
    // Today stays in the default partition, the days after it have their own again.
    expect(await store.query('SELECT * FROM outbox_days()')).toEqual([{ made: 3, dropped: 0 }]);
    await write([record('case-1', 'as well')]);
    expect((await bus.outbox()).waiting).toBe(2);
  });

  it.each([
    ['rewrite', `UPDATE outbox SET value = ''`, 'permission denied for table outbox'],
    ['remove', 'DELETE FROM outbox', 'permission denied for table outbox'],
    ['drop', 'DROP TABLE outbox_default', 'must be owner of table outbox_default'],
    ['rewrite behind its back', `UPDATE outbox_default SET value = ''`, 'permission denied for table outbox_default'],
    ['detach', 'ALTER TABLE outbox DETACH PARTITION outbox_default', 'must be owner of table outbox'],
  ])('the database does not let a service %s what it has said', async (_, sql, message) => {
    const { store } = await open();
    await expect(store.query(sql)).rejects.toMatchObject({ code: '42501', message });
  });
});

describe('partitions', () => {
  it('are chosen by the same rule as on the embedded bus', async () => {
    const { bus, write } = await open('intake', { graceMs: 600_000 });
    const records = numbered(5);
    await write(records);
    await bus.publish(records);
    for (const one of await readAll(bus, topic)) expect(one.partition).toBe(partitionOf(one.key));
  });
});
