/**
 * What every adapter of the bus guarantees, as one suite. Each adapter's spec runs it with its own harness.
 * Not proved here: rights on topics, restarts of the broker or database; those are each adapter's.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { partitionsPerTopic, topicOf } from '@readmit/contracts';
import type { OutgoingRecord, TopicRecord } from '../../src/port.js';
import { collect, collectOn, type CollectorOptions, Received, textOf } from './collector.js';
import type { BusHarness, BusUnderTest, ConformanceOptions } from './harness.js';

const topic = topicOf('intake');
const record = (key: string, text: string): OutgoingRecord => ({
  topic,
  key,
  headers: { ce_id: text, ce_type: 'readmit.case.opened' },
  value: Buffer.from(text),
});
const numbered = (count: number, prefix = 'n'): OutgoingRecord[] =>
  Array.from({ length: count }, (_, n) => record(`case-${n % 17}`, `${prefix}${n}`));
const sorted = (texts: readonly string[]): string[] => [...texts].sort();

export function busConformance(name: string, makeHarness: () => Promise<BusHarness>, { inTransaction }: ConformanceOptions): void {
  describe(`bus: ${name}`, () => {
    let harness: BusHarness;
    let producer: BusUnderTest;
    beforeEach(async () => {
      harness = await makeHarness();
      producer = await harness.open('intake');
    });
    afterEach(() => harness.close());

    const say = async (records: readonly OutgoingRecord[], from = producer): Promise<void> => {
      await from.transaction((tx) => from.bus.write(tx, records));
      await from.bus.publish(records);
    };
    const reader = async (member: string, group = 'classification.spec') => {
      const under = await harness.open('classification');
      return { ...under, subscription: await under.bus.subscribe({ group, topics: [topic], member }) };
    };
    const into = (from: Awaited<ReturnType<typeof reader>>, received: Received, as: string): CollectorOptions => ({
      ...{ subscription: from.subscription, transaction: from.transaction },
      onBatch: (records) => received.add(as, records),
    });

    it('R8.1 gives every record once to a group, in order per key, with key, headers and bytes as written', async () => {
      const records = numbered(120);
      const consumer = await reader('a');
      const received = new Received();
      void collectOn(into(consumer, received, 'a'));
      for (let at = 0; at < records.length; at += 15) await say(records.slice(at, at + 15));
      await received.until(() => received.texts.length >= records.length, 'all records are received');
      await consumer.subscription.close();

      expect(sorted(received.texts)).toEqual(sorted(records.map(({ value }) => value.toString())));
      for (const key of new Set(records.map((one) => one.key))) {
        const ofKey = received.of('a').filter((one) => one.key === key);
        expect(ofKey.map(({ headers, value }) => ({ headers, value }))).toEqual(
          records.filter((one) => one.key === key).map(({ headers, value }) => ({ headers, value })),
        );
        expect(new Set(ofKey.map(({ partition }) => partition)).size).toBe(1);
      }
    });

    it('R8.3 says when a record came by a clock that its producer does not set, to a group and to who only reads', async () => {
      const consumer = await reader('a');
      const before = Date.now();
      await say([{ ...record('case-1', 'old'), headers: { ...record('case-1', 'old').headers, ce_time: '2020-01-01T00:00:00.000Z' } }]);
      const [arrived] = (await take(consumer, 1)).batches.flatMap(({ records }) => records);
      // Brokers and databases of specs go by the clock of this machine, in their own rounding.
      expect(arrived?.arrivedAt).toBeGreaterThanOrEqual(before - 1_000);
      expect(arrived?.arrivedAt).toBeLessThanOrEqual(Date.now() + 1_000);
      const read = await consumer.bus.read(topic, arrived?.partition ?? -1, arrived?.offset ?? 0n, 1);
      expect(read.map(({ arrivedAt }) => arrivedAt)).toEqual([arrived?.arrivedAt]);
    });

    it('R8.3 gives a batch again when its transaction was rolled back, and not again once it was committed', async () => {
      const consumer = await reader('a');
      await say(numbered(5));
      const first = await take(consumer, 5);
      await expect(
        consumer.transaction(async (tx) => {
          for (const batch of first.batches) await batch.commit(tx);
          throw new Error('the work failed');
        }),
      ).rejects.toThrow('the work failed');
      // An adapter that moves the position after the commit starts over with a new subscription.
      if (!inTransaction) await consumer.subscription.close();
      const again = inTransaction ? consumer : await reader('a');
      const second = await take(again, 5);
      expect(sorted(second.records.map(textOf))).toEqual(sorted(first.records.map(textOf)));
      await commit(again, second);

      await say([record('case-0', 'later')]);
      expect((await take(again, 1)).records.map(textOf)).toEqual(['later']);
    });

    it('moves the position with the commit: a new subscription resumes after it', async () => {
      const consumer = await reader('a');
      await say(numbered(9));
      await commit(consumer, await take(consumer, 9));
      await consumer.subscription.close();
      await say([record('case-0', 'later')]);
      expect((await take(await reader('b'), 1)).records.map(textOf)).toEqual(['later']);
    });

    it('R8.1 gives what a dead member had taken but not committed to another member', async () => {
      const dying = await reader('a');
      await say(numbered(6));
      const taken = await take(dying, 6);
      await dying.kill();
      const heir = await reader('b');
      expect(sorted((await take(heir, 6)).records.map(textOf))).toEqual(sorted(taken.records.map(textOf)));
    });

    it('gives all records to each of two groups', async () => {
      const received = new Received();
      for (const group of ['classification.one', 'classification.two']) void collectOn(into(await reader('a', group), received, group));
      await say(numbered(20));
      await received.until(() => received.texts.length >= 40, 'both groups have all records');
      for (const group of ['classification.one', 'classification.two']) {
        expect(sorted(received.of(group).map(textOf))).toEqual(sorted(numbered(20).map(({ value }) => value.toString())));
      }
    });

    it('R8.1 shares partitions among two members, and gives them to the other when one closes', async () => {
      const received = new Received();
      const [a, b] = [await reader('a'), await reader('b')];
      void collectOn(into(a, received, 'a'));
      void collectOn(into(b, received, 'b'));
      await rounds(received, (round) => partitionsOf(round.get('a')) > 0 && partitionsOf(round.get('b')) > 0);
      await b.subscription.close();
      await rounds(received, (round) => partitionsOf(round.get('a')) === partitionsPerTopic);
      // What is being worked on while a partition changes hands may come again, unless the position moves with the work.
      if (inTransaction) expect(new Set(received.texts).size).toBe(received.texts.length);
    });

    it('R8.1 gives the partitions of a member that dies to the other when its lease ends, and loses nothing', async () => {
      const received = new Received();
      const [a, b] = [await reader('a'), await reader('b')];
      void collectOn(into(a, received, 'a'));
      const bEnded = collect(into(b, received, 'b'));
      await rounds(received, (round) => partitionsOf(round.get('b')) > 0);
      await b.kill();
      await rounds(received, (round) => partitionsOf(round.get('a')) === partitionsPerTopic);
      await bEnded;
    });

    it('reads a topic from its beginning without a group', async () => {
      const records = numbered(30);
      await say(records);
      const consumer = await reader('a');
      await commit(consumer, await take(consumer, 30));
      const found: TopicRecord[] = [];
      for (let partition = 0; partition < partitionsPerTopic; partition++) {
        const all = await producer.bus.read(topic, partition, 0n, 100);
        expect(all.map(({ offset }) => offset)).toEqual(all.map((_, n) => BigInt(n)));
        expect(await producer.bus.read(topic, partition, 2n, 1)).toEqual(all.slice(2, 3));
        found.push(...all);
      }
      expect(sorted(found.map(textOf))).toEqual(sorted(records.map(({ value }) => value.toString())));
    });

    it('holds back what a slow reader has not asked for: a batch has at most `max` records', async () => {
      const consumer = await reader('a');
      await say(numbered(40));
      const sizes: number[] = [];
      for (let total = 0; total < 40;) {
        const batch = await consumer.subscription.next(7);
        sizes.push(batch?.records.length ?? 0);
        total += batch?.records.length ?? 40;
        await consumer.transaction(async (tx) => batch?.commit(tx));
        await batch?.afterCommit();
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
      expect(sizes.reduce((a, b) => a + b, 0)).toBe(40);
      expect(await consumer.subscription.lag()).toBe(0n);
    });

    it('says how far it is behind', async () => {
      const consumer = await reader('a');
      await say(numbered(11));
      expect(await consumer.subscription.lag()).toBe(11n);
    });

    it('ends a waiting next() when the subscription closes', async () => {
      const consumer = await reader('a');
      const waiting = consumer.subscription.next(10);
      await consumer.subscription.close();
      expect(await waiting).toBeUndefined();
    });

    it('shows offsets without a gap to a reader that follows eight writers who commit and roll back', async () => {
      const random = seeded(20_261_122);
      const seen = new Map<number, TopicRecord[]>();
      const textsSeen = (): string[] => [...seen.values()].flat().map(textOf);
      const committed: string[] = [];
      let writing = true;
      const following = (async () => {
        for (;;) {
          for (let partition = 0; partition < partitionsPerTopic; partition++) {
            const had = seen.get(partition) ?? [];
            const more = await producer.bus.read(topic, partition, BigInt(had.length), 1_000);
            expect(more.map(({ offset }) => offset)).toEqual(more.map((_, n) => BigInt(had.length + n)));
            seen.set(partition, [...had, ...more]);
          }
          // What is left to be sent later is sent: the spec's time is the bound.
          if (!writing && new Set(textsSeen()).size >= committed.length) return;
        }
      })();
      const writers = await Promise.all(Array.from({ length: 8 }, () => harness.open('intake')));
      await Promise.all(
        writers.map(async (writer, w) => {
          for (let round = 0; round < 12; round++) {
            const records = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, n) =>
              record(`case-${Math.floor(random() * 40)}`, `w${w}r${round}n${n}`),
            );
            const rollsBack = random() < 0.3;
            await writer
              .transaction(async (tx) => {
                await writer.bus.write(tx, records);
                if (rollsBack) throw new Error('rolled back on purpose');
              })
              .then(
                () => committed.push(...records.map(({ value }) => value.toString())),
                (error: Error) => expect(error.message).toBe('rolled back on purpose'),
              );
            if (!rollsBack) await writer.bus.publish(records);
          }
        }),
      );
      writing = false;
      await following;
      // Writers that must not overtake each other may send each other's events as well.
      const texts = textsSeen();
      expect(sorted(inTransaction ? texts : [...new Set(texts)])).toEqual(sorted(committed));
      expect(committed.length).toBeGreaterThan(50);
    });

    if (inTransaction) {
      it('R8.3 rolls back the work of a stale owner; the present owner does it', async () => {
        const stale = await reader('a');
        await say(numbered(4));
        const taken = await take(stale, 4);
        const present = await reader('a');
        const refused = stale.transaction(async (tx) => {
          await stale.note(tx, 'stale');
          for (const batch of taken.batches) await batch.commit(tx);
        });
        await expect(refused).rejects.toMatchObject({ name: 'StaleOwnerError' });

        const again = await take(present, 4);
        await present.transaction(async (tx) => {
          await present.note(tx, 'present');
          for (const batch of again.batches) await batch.commit(tx);
        });
        expect(await present.notes()).toEqual(['present']);
      });

      it('refuses to move the position twice with one batch', async () => {
        const consumer = await reader('a');
        await say(numbered(4));
        const taken = await take(consumer, 4);
        await commit(consumer, taken);
        await expect(commit(consumer, taken)).rejects.toMatchObject({ name: 'StaleOwnerError' });
      });
    }

    type Taken = {
      readonly batches: readonly NonNullable<Awaited<ReturnType<Awaited<ReturnType<typeof reader>>['subscription']['next']>>>[];
      readonly records: readonly TopicRecord[];
    };

    /** So many records that were written in one transaction before, in one batch or, where a fetch may see a part of them, in several. */
    async function take(from: Awaited<ReturnType<typeof reader>>, count: number): Promise<Taken> {
      const batches: Taken['batches'][0][] = [];
      for (let records: readonly TopicRecord[] = []; ;) {
        const batch = await from.subscription.next(100);
        if (!batch) throw new Error('the subscription was closed');
        batches.push(batch);
        records = batches.flatMap((one) => one.records);
        if (records.length === count) return { batches, records };
        if (records.length > count || inTransaction) throw new Error(`expected ${count} records, got ${records.map(textOf).join(' ')}`);
      }
    }
    async function commit(from: Awaited<ReturnType<typeof reader>>, { batches }: Taken): Promise<void> {
      await from.transaction(async (tx) => {
        for (const batch of batches) await batch.commit(tx);
      });
      for (const batch of batches) await batch.afterCommit();
    }
    /** Writes rounds of records over many keys, each received before the next, until one went as expected. */
    async function rounds(received: Received, expected: (round: ReadonlyMap<string, readonly TopicRecord[]>) => boolean): Promise<void> {
      for (let round = 0; round < 200; round++) {
        const texts = new Set(numbered(40, `round${round}/${received.texts.length}/`).map(({ value }) => value.toString()));
        await say([...texts].map((text, n) => record(`key-${n}`, text)));
        await received.until(
          () => received.texts.filter((text) => texts.has(text)).length >= texts.size,
          'all records of the round are received',
        );
        const mine = new Map([...received.by].map(([who, records]) => [who, records.filter((one) => texts.has(textOf(one)))]));
        if (expected(mine)) return;
      }
      throw new Error('200 rounds, and none went as expected');
    }
  });
}

const partitionsOf = (records: readonly TopicRecord[] | undefined): number =>
  new Set((records ?? []).map(({ partition }) => partition)).size;

/** Mulberry32: the same numbers in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
