/**
 * A service and the topic that it wrote, on a real Kafka with a real database: a schema that is older than the topic is refused, whatever
 * somebody else puts behind what was said; everything that is not older starts.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { retentionDays, topicOf, writeEnvelope } from '@readmit/contracts';
import { testDatabase, until, emptyTopics, openKafkaBus, readAll, testBroker, type TestDatabase } from '@readmit/testing';
import pg from 'pg';
import { awaitOwnTopic } from '../src/index.js';
import { KafkaTopics, type KafkaConnection, type OutgoingRecord } from '@readmit/bus';
import { KeyRing, makeServiceKeys, makeSigningKey, Signer } from '@readmit/signing';
import { uuidv7 } from '@readmit/platform';

const topic = topicOf('intake');
const environment = 'spec';
const keys = makeServiceKeys(new Date(Date.now() - 60 * 86_400_000));
const ring = new KeyRing(keys.list);
const own = new Signer(keys.keys.intake);

let connection: KafkaConnection;
let database: TestDatabase;
let intake: Awaited<ReturnType<typeof openKafkaBus>>;
let topics: KafkaTopics;
beforeAll(async () => {
  connection = await testBroker();
}, 240_000);
beforeEach(async () => {
  await emptyTopics(connection, [topic]);
  database = await testDatabase();
  intake = await openKafkaBus(database, 'intake', { graceMs: 600_000 });
  topics = new KafkaTopics(connection, 'spec-own-topic');
});
afterEach(async () => {
  await topics.close();
  await intake.bus.close();
  await database.drop();
});

const event = (key: string, at: Date, signer = own): OutgoingRecord => {
  const headers = writeEnvelope({
    ...{ id: uuidv7(), environment, service: 'intake', type: 'readmit.case.frozen', time: at.toISOString() },
    ...{ subject: key, version: '1', correlationId: key },
  });
  const value = Buffer.from(JSON.stringify({ caseId: key, by: 'ada', cause: 'repudiated' }));
  const [signed] = signer.sign(environment, [{ topic, key, headers, value }]);
  if (!signed) throw new Error('nothing was signed');
  return signed;
};
/** As a service says it: one transaction, timed by the database's clock. */
async function say(key: string, sent = true): Promise<OutgoingRecord> {
  const records: OutgoingRecord[] = [];
  await intake.store.transaction(async (tx) => {
    const [clock] = await tx.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    records.push(event(key, clock?.now ?? new Date(0)));
    await intake.bus.write(tx, records);
  });
  if (sent) await intake.bus.publish(records);
  return records[0] ?? event(key, new Date(0));
}
const idOf = ({ headers }: OutgoingRecord): string => headers['ce_id'] ?? '';
const timeOf = ({ headers }: OutgoingRecord): string => headers['ce_time'] ?? '';

const start = (more: Partial<Parameters<typeof awaitOwnTopic>[0]> = {}) =>
  awaitOwnTopic({
    ...{ service: 'intake', environment, ring, store: intake.store, topics, onTrouble: (error) => fails.push(error) },
    onForged: (says) => forgeries.push(says),
    signal: new AbortController().signal,
    ...more,
  });
const fails: unknown[] = [];
const forgeries: string[] = [];

/** What a backup of that time holds: later rows are gone from every table that the start looks at. */
async function restoreAsOf(record: OutgoingRecord): Promise<void> {
  const client = new pg.Client({ connectionString: database.ownerUrl });
  await client.connect();
  try {
    await client.query('DELETE FROM intake.outbox WHERE written_at > (SELECT written_at FROM intake.outbox WHERE headers ->> $1 = $2)', [
      'ce_id',
      idOf(record),
    ]);
  } finally {
    await client.end();
  }
}
const named = (record: OutgoingRecord, { partition, offset }: { partition: number; offset: bigint }): string =>
  `readmit.case.frozen ${idOf(record)} of ${timeOf(record)}, ${topic} partition ${partition} offset ${offset}`;
const ahead = (record: OutgoingRecord, place: { partition: number; offset: bigint }): string =>
  `the topic of intake has an event that its database does not have: ${named(record, place)}. The database was restored from ` +
  `a backup older than that; continuing would repeat decisions that other services have received. Restore the database as it was after ${timeOf(record)}. ` +
  `If it was not restored, another process is signing with the key of intake: readmit key rotate --service intake --revoke. ` +
  `See docs/operations.md, Restoring a backup.`;
/** It is looked for before the start fails: a promise that fails while nobody waits is an error of the test. */
const aheadOf = async (record: OutgoingRecord): Promise<string> => ahead(record, await placeOf(record));
const placeOf = async (record: OutgoingRecord) => {
  const found = (await readAll(intake.bus, topic)).find(({ headers }) => headers['ce_id'] === idOf(record));
  if (!found) throw new Error('it is not on the topic');
  return found;
};

describe('a database that was restored', () => {
  it('R8.1 is refused when it is older than what was said, by name of the newest thing it lacks; as it was, it starts', async () => {
    await say('case-1');
    const backup = await say('case-2');
    await say('case-3');
    const last = await say('case-4');
    await start();
    await restoreAsOf(backup);
    const says = await aheadOf(last);
    await expect(start()).rejects.toMatchObject({ name: 'TopicAheadError', message: says });
  });

  it('R8.1 is refused when nothing is left of it: a new database on the old topic', async () => {
    const only = await say('case-1');
    const empty = await testDatabase();
    try {
      const store = await empty.store('intake');
      const says = await aheadOf(only);
      await expect(start({ store })).rejects.toMatchObject({ message: says });
    } finally {
      await empty.drop();
    }
  });

  it('R8.3 is refused also when somebody repeats behind it what it knows, and any number of records that nobody signed', async () => {
    const backup = await say('case-1');
    const last = await say('case-1');
    await restoreAsOf(backup);
    const stranger = new Signer(makeSigningKey().private);
    await topics.send([backup]);
    await topics.send(Array.from({ length: 450 }, () => ({ ...last, headers: {}, value: Buffer.from('nothing') })));
    await topics.send([event('case-1', new Date(), stranger), event('case-1', new Date(), new Signer(keys.keys.approval))]);
    const says = await aheadOf(last);
    await expect(start()).rejects.toMatchObject({ message: says });
  });
});

describe('a database that is not older than its topic', () => {
  it('R8.1 starts on empty topics', async () => {
    await start();
  });

  it('R8.1 starts when it has more than the topic: what was not sent, and a topic that was recreated', async () => {
    await say('case-1');
    await say('case-2', false);
    await start();
    await emptyTopics(connection, [topic]);
    const fresh = new KafkaTopics(connection, 'spec-recreated');
    try {
      await start({ topics: fresh });
    } finally {
      await fresh.close();
    }
  });

  it('R8.3 starts although others wrote to its topic: unsigned, under a key that nobody lists, as another service, in another environment', async () => {
    const said = await say('case-1');
    await topics.send([
      { ...said, headers: {}, value: Buffer.from('nothing') },
      event('case-1', new Date(), new Signer(makeSigningKey().private)),
      event('case-1', new Date(), new Signer(keys.keys.approval)),
      { ...event('case-1', new Date()), value: Buffer.from('{"caseId":"case-1","by":"mallory","cause":"repudiated"}') },
      ...own.sign('elsewhere', [event('case-1', new Date())]),
    ]);
    await start();
  });

  it('R8.3 starts, and says so, when somebody said something with its stolen key: it has heard later things itself', async () => {
    await say('case-1');
    const forged = event('case-2', new Date());
    await topics.send([forged]);
    const says = await aheadOf(forged);
    // As far as it can tell now, the event may be its own.
    await expect(start()).rejects.toMatchObject({ message: says });
    await intake.store.query(
      `INSERT INTO fact (key, id, type, at, data)
       SELECT 'case-2', 'heard', 'readmit.audit.recorded', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '{}'`,
    );
    forgeries.length = 0;
    await start();
    expect(forgeries).toEqual([
      `${named(forged, await placeOf(forged))}, is signed with the key of intake, which did not publish it: the key is compromised. ` +
        'Rotate it: readmit key rotate --service intake --revoke',
    ]);
  });

  it('R8.3 starts once the stolen key is revoked, also when it has heard nothing since', async () => {
    await say('case-1');
    const forged = event('case-2', new Date());
    await topics.send([forged]);
    const says = await aheadOf(forged);
    await expect(start()).rejects.toMatchObject({ message: says });
    const revokedAt = new Date().toISOString();
    const revoked = new KeyRing({
      ...keys.list,
      keys: keys.list.keys.map((key) => (key.owner === 'intake' ? { ...key, revokedAt } : key)),
    });
    await start({ ring: revoked });
  });

  it('starts when the newest that the topic has is older than the outbox is kept; a day before, it is refused', async () => {
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    await topics.send([event('case-1', daysAgo(retentionDays + 0.1))]);
    await start();
    const younger = event('case-1', daysAgo(retentionDays - 0.9));
    await topics.send([younger]);
    const says = await aheadOf(younger);
    await expect(start()).rejects.toMatchObject({ message: says });
  });

  it('R8.1 waits for brokers that are away, and starts when they are there', async () => {
    await say('case-1');
    const nobody = new KafkaTopics({ ...connection, brokers: ['127.0.0.1:1'] }, 'spec-away');
    const stop = new AbortController();
    fails.length = 0;
    const waiting = start({ topics: nobody, signal: stop.signal });
    const ended = expect(waiting).rejects.toThrow('This operation was aborted');
    await until(() => fails.length > 0, { what: 'the start says that it waits' });
    expect(String(fails[0])).toContain('ECONNREFUSED');
    stop.abort();
    await ended;
    await nobody.close();
    await start();
  });
});
