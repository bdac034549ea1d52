/** Members of a group on Kafka that die, hang and come back. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { topicOf } from '@readmit/contracts';
import { testDatabase, until, emptyTopics, openKafkaBus, refusalOf, testBroker, withAdmin, type TestDatabase } from '@readmit/testing';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { collectOn, Received, textOf } from './conformance/collector.js';
import type { KafkaConnection, OutgoingRecord } from '../src/index.js';

const topic = topicOf('intake');
const group = 'classification.spec';
const record = (key: string, text: string): OutgoingRecord => ({ topic, key, headers: { ce_id: text }, value: Buffer.from(text) });

let connection: KafkaConnection;
let database: TestDatabase;
const opened: Awaited<ReturnType<typeof openKafkaBus>>[] = [];
const children: ChildProcess[] = [];
beforeAll(async () => void (connection = await testBroker()), 240_000);
beforeEach(async () => {
  await emptyTopics(connection, [topic]);
  database = await testDatabase();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(opened.splice(0).map(({ bus }) => bus.close()));
  await database.drop();
});

async function open(service: 'intake' | 'classification', options: { readonly sessionTimeoutMs?: number } = {}) {
  // A send is waited for: a busy broker may need long for its answer.
  const one = await openKafkaBus(database, service, { graceMs: 600_000, sendTimeoutMs: 60_000, ...options });
  opened.push(one);
  return {
    ...one,
    say: async (records: readonly OutgoingRecord[]) => {
      await one.store.transaction((tx) => one.bus.write(tx, records));
      await one.bus.publish(records);
    },
    subscribe: (member: string) => one.bus.subscribe({ group, topics: [topic], member }),
  };
}

describe('a member of a group', () => {
  it('R8.1 that is killed in the middle of its work loses nothing: the other has its partitions when its session ends', async () => {
    const producer = await open('intake');
    const staying = await open('classification');
    const received = new Received();
    const subscription = await staying.subscribe('stays');
    void collectOn({
      subscription,
      transaction: staying.store.transaction.bind(staying.store),
      onBatch: (records) => received.add('stays', records),
    });
    const dying = await startMember();
    let sent = 0;
    let killed = false;
    while (!killed) {
      await producer.say(Array.from({ length: 20 }, (_, n) => record(`key-${n}`, `n${sent++}`)));
      // In the middle: it has taken some that it will not commit.
      if (dying.taken.size > 0) killed = dying.child.kill('SIGKILL');
    }
    await producer.say(Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `n${sent++}`)));
    const all = Array.from({ length: sent }, (_, n) => `n${n}`);
    await received.until(
      () => all.every((text) => received.texts.includes(text) || dying.committed.has(text)),
      "every record is somebody's",
      30_000,
    );
    const lateRound = Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `late${n}`));
    await producer.say(lateRound);
    await received.until(
      () => lateRound.every(({ value }) => received.texts.includes(value.toString())),
      'the survivor has all partitions',
    );
    await subscription.close();
  });

  it('R8.3 that hung past its session may not commit what another has by now', async () => {
    const producer = await open('intake');
    const hanging = await open('classification');
    const first = await hanging.subscribe('hangs');
    await producer.say(Array.from({ length: 12 }, (_, n) => record(`key-${n}`, `n${n}`)));
    const taken = await first.next(100);
    if (!taken) throw new Error('closed');
    // Its heartbeats do not arrive any more, so the brokers give its partitions away.
    hanging.wire.freeze();
    const heir = await open('classification');
    const received = new Received();
    void collectOn({
      subscription: await heir.subscribe('inherits'),
      transaction: heir.store.transaction.bind(heir.store),
      onBatch: (records) => received.add('inherits', records),
    });
    await received.until(() => taken.records.every((one) => received.texts.includes(textOf(one))), 'the other has taken them', 30_000);
    hanging.wire.restore();
    expect(await refusalOf(hanging.store, taken, 30_000)).toMatchObject({
      name: 'StaleOwnerError',
      message: expect.stringContaining(`group ${group} does not own ${topic}/`),
    });
  });

  it('resumes where it was when another joins: nothing that it had fetched is redelivered', async () => {
    const producer = await open('intake');
    // Nobody dies here, so no session may end because the machine is busy.
    const session = { sessionTimeoutMs: 30_000 };
    const [one, other] = [await open('classification', session), await open('classification', session)];
    const received = new Received();
    const read = (from: typeof one, subscription: Awaited<ReturnType<typeof one.subscribe>>, as: string): void =>
      void collectOn({
        subscription,
        transaction: from.store.transaction.bind(from.store),
        onBatch: (records) => received.add(as, records),
        max: 5,
      });
    read(one, await one.subscribe('one'), 'one');
    const records = Array.from({ length: 300 }, (_, n) => record(`key-${n % 23}`, `n${n}`));
    for (let at = 0; at < records.length; at += 30) await producer.say(records.slice(at, at + 30));
    read(other, await other.subscribe('other'), 'other');
    await received.until(() => new Set(received.texts).size === records.length, 'all records are received');
    // What was being worked on at the moment of the hand-over may come again; what lay in the buffer may not.
    expect(received.texts.length - records.length).toBeLessThanOrEqual(10);
  });

  /** A process of its own, which takes batches, says so, and commits each a moment later. */
  async function startMember() {
    const built = fileURLToPath(new URL('../dist/index.js', import.meta.url));
    if (!existsSync(built)) throw new Error('the process runs what was built: run npm run build first');
    const script = `
      import { KafkaBus } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      import { openStore } from ${JSON.stringify(new URL('../../store/dist/index.js', import.meta.url).href)};
      const { url, connection, group, topic } = JSON.parse(process.env.MEMBER);
      const store = await openStore({ url, schema: 'classification', applicationName: 'spec member' });
      const bus = await KafkaBus.open({ service: 'classification', store, connection, sessionTimeoutMs: 1000 });
      const subscription = await bus.subscribe({ group, topics: [topic], member: 'dies' });
      console.log(JSON.stringify({ joined: true }));
      for (;;) {
        const batch = await subscription.next(10);
        const texts = batch.records.map(({ value }) => value.toString());
        console.log(JSON.stringify({ taken: texts }));
        await new Promise((resolve) => setTimeout(resolve, 100));
        await store.transaction((tx) => batch.commit(tx));
        await batch.afterCommit();
        console.log(JSON.stringify({ committed: texts }));
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, MEMBER: JSON.stringify({ url: database.urls.classification, connection, group, topic }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const taken = new Set<string>();
    const committed = new Set<string>();
    let joined = false;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { joined?: boolean; taken?: string[]; committed?: string[] };
      joined ||= said.joined === true;
      for (const text of said.taken ?? []) taken.add(text);
      for (const text of said.committed ?? []) committed.add(text);
    });
    await until(() => joined, { what: 'the member has joined' });
    return { child, taken, committed };
  }
});

describe('a group', () => {
  it('has the committed offset of what was done, asked of the broker', async () => {
    const producer = await open('intake');
    const consumer = await open('classification');
    const subscription = await consumer.subscribe('a');
    await producer.say(Array.from({ length: 9 }, (_, n) => record('key-1', `n${n}`)));
    for (let count = 0; count < 9;) {
      const batch = await subscription.next(4);
      count += batch?.records.length ?? 9;
      await batch?.afterCommit();
    }
    const total = (): Promise<number> =>
      withAdmin(connection, async (admin) =>
        (await admin.fetchOffsets({ groupId: group, topics: [topic] }))
          .flatMap(({ partitions }) => partitions)
          .reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0),
      );
    await until(async () => (await total()) === 9, { what: 'the broker has the offsets' });
    await subscription.close();
    expect(await total()).toBe(9);
  });
});
