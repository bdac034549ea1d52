import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Arrivals } from './arrivals.js';

const topic = 'readmit.intake.v1';
const place = (partition: number) => ({ topic, partition });
const records = (partition: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({
    topic,
    partition,
    offset: BigInt(from + n),
    key: 'k',
    headers: {},
    value: Buffer.from('x'),
  }));
const arrive = (arrivals: Arrivals, partition: number, from: number, to: number, end = to): void =>
  arrivals.arrive({ topic, partition, highWatermark: String(end), records: records(partition, from, to) });
const offsetsOf = (taken: ReturnType<Arrivals['take']>): string[] => taken?.records.map((one) => `${one.partition}/${one.offset}`) ?? [];
const plenty = 1_000_000;

describe('what has arrived', () => {
  it('is handed out over all partitions in the order of arrival, at most so many records', () => {
    const arrivals = new Arrivals();
    arrivals.assign([place(0), place(1)], false);
    arrive(arrivals, 0, 5, 8);
    arrive(arrivals, 1, 0, 2);
    const first = arrivals.take(4, plenty);
    expect(offsetsOf(first)).toEqual(['0/5', '0/6', '0/7', '1/0']);
    expect([...(first?.spans ?? [])].map(([of, to]) => [of.partition, to])).toEqual([
      [0, 8n],
      [1, 1n],
    ]);
    expect(offsetsOf(arrivals.take(4, plenty))).toEqual(['1/1']);
    expect(arrivals.take(4, plenty)).toBeUndefined();
    expect(arrivals).toMatchObject({ records: 0, bytes: 0 });
  });

  it('ends a batch at the bytes, but never with less than one record', () => {
    const arrivals = new Arrivals();
    arrivals.assign([place(0)], false);
    arrive(arrivals, 0, 0, 3);
    expect(offsetsOf(arrivals.take(10, 1))).toEqual(['0/0']);
  });

  it("is dropped with its partition, and what was taken from it is no longer this member's to commit", () => {
    const arrivals = new Arrivals();
    arrivals.assign([place(0), place(1)], false);
    arrive(arrivals, 0, 0, 4);
    arrive(arrivals, 1, 0, 4);
    const taken = arrivals.take(6, plenty);
    arrivals.assign([place(1)], true);
    expect([...(taken?.spans.keys() ?? [])].map(({ partition, live }) => [partition, live])).toEqual([
      [0, false],
      [1, true],
    ]);
    expect(offsetsOf(arrivals.take(10, plenty))).toEqual(['1/2', '1/3']);
    arrive(arrivals, 0, 4, 6);
    expect(arrivals).toMatchObject({ records: 0, bytes: 0 });
  });

  it('starts over when the member may have missed an owner in between', () => {
    const arrivals = new Arrivals();
    arrivals.assign([place(0)], false);
    arrive(arrivals, 0, 0, 4);
    arrivals.assign([place(0)], false);
    expect(arrivals.places).toEqual([{ topic, partition: 0, live: true }]);
    expect(arrivals.take(10, plenty)).toBeUndefined();
  });

  it('comes once although it was fetched twice', () => {
    const arrivals = new Arrivals();
    arrivals.assign([place(0)], false);
    arrive(arrivals, 0, 0, 4, 6);
    arrive(arrivals, 0, 2, 6, 6);
    expect(offsetsOf(arrivals.take(10, plenty))).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5']);
  });

  it('starts over on a topic that ends before the known position: it was recreated', () => {
    const arrivals = new Arrivals();
    arrivals.assign([place(0)], false);
    arrive(arrivals, 0, 90, 100);
    const old = arrivals.take(5, plenty);
    arrive(arrivals, 0, 0, 3);
    expect([...(old?.spans.keys() ?? [])].map(({ live }) => live)).toEqual([false]);
    expect(offsetsOf(arrivals.take(10, plenty))).toEqual(['0/0', '0/1', '0/2']);
  });

  it('R8.3 gives each record of a held partition once and in order, whatever fetches repeat and whatever is taken when', () => {
    const step = fc.oneof(
      fc.record({ fetch: fc.nat(2), back: fc.nat(3), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 7 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const arrivals = new Arrivals();
        arrivals.assign([place(0), place(1), place(2)], false);
        const next = [0, 0, 0];
        const given: string[][] = [[], [], []];
        const take = (max: number): void => {
          for (const one of arrivals.take(max, plenty)?.records ?? []) given[one.partition]?.push(String(one.offset));
        };
        for (const one of steps) {
          if ('take' in one) {
            take(one.take);
          } else {
            const from = Math.max(0, (next[one.fetch] ?? 0) - one.back);
            next[one.fetch] = Math.max(next[one.fetch] ?? 0, from + one.count);
            arrive(arrivals, one.fetch, from, from + one.count, next[one.fetch]);
          }
        }
        while (arrivals.records > 0) take(5);
        expect(given).toEqual(next.map((count) => Array.from({ length: count }, (_, n) => String(n))));
        expect(arrivals.bytes).toBe(0);
      }),
    );
  });
});
