import { describe, expect, it } from '@jest/globals';
import { SweepPace } from '../src/outbound/sweep-pace.js';

const at = (ms: number): Date => new Date(1_000_000 + ms);
/** Reads that take no time, as a worker would: each comes again when it was told to. */
function readingsOf(pace: SweepPace, ids: readonly string[], ms: number): number[] {
  const due = ids.map((id) => ({ id, ms }));
  const read: number[] = [];
  for (let next = due.shift(); next; next = due.sort((one, other) => one.ms - other.ms).shift()) {
    const later = pace.ask('ledger', next.id, at(next.ms));
    if (later) due.push({ id: next.id, ms: later.getTime() - at(0).getTime() });
    else {
      read.push(next.ms);
      pace.done('ledger');
    }
  }
  return read;
}

describe('the pace of the sweep', () => {
  it('reads a connector at its rate at most, each account once, however many are due', () => {
    const read = readingsOf(
      new SweepPace(5),
      Array.from({ length: 50 }, (_, index) => `case_${index}/sweep-1`),
      0,
    );
    expect(read).toHaveLength(50);
    const gaps = read.slice(1).map((ms, index) => ms - (read[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(199);
    expect(read.at(-1)).toBeLessThan(11_000);
  });

  it('lets two readings of a connector be in progress, and no third; other connectors are not held up', () => {
    const pace = new SweepPace(1000);
    expect(pace.ask('ledger', 'a', at(0))).toBeUndefined();
    expect(pace.ask('ledger', 'b', at(10))).toBeUndefined();
    expect(pace.ask('ledger', 'c', at(20))?.getTime()).toBeGreaterThan(at(20).getTime());
    expect(pace.ask('directory', 'd', at(20))).toBeUndefined();
    pace.done('ledger');
    expect(pace.ask('ledger', 'c', at(30))).toBeUndefined();
  });
});
