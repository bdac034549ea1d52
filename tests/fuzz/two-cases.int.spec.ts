/**
 * Two open cases about one role of one login, or about one service account, at a real PostgreSQL. In whatever order they are approved, fail, end,
 * are contained or frozen, workers are killed, and a DBA changes the target: what was granted is removed, and nothing else. Not tested here: bus,
 * store and HTTP routes; events are delivered in memory.
 *
 * READMIT_FUZZ_RUNS and READMIT_FUZZ_SEED repeat or extend a run: an error names the values that reproduce it.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresReleases } from '@readmit/testing';
import { RealTarget } from './real-target.js';
import { plotOf, runOrder, smallest, type OrderOutcome, type Order } from './two-cases.js';

const usual = 50;
const wanted = Number(process.env['READMIT_FUZZ_RUNS'] ?? usual);
/** Orders of each kind, setting and release: each takes as long as eight runs in memory. */
const runs = Math.ceil(wanted / 8);
const first = Number(process.env['READMIT_FUZZ_SEED'] ?? 1);
const settings = [
  ['UTC', 'ISO, MDY'],
  ['Asia/Kolkata', 'German'],
  ['Europe/Dublin', 'SQL, DMY'],
] as const;
const timeout = 60_000 + runs * 5000;
const all: Record<'role' | 'secret', OrderOutcome[]> = { role: [], secret: [] };

describe.each(postgresReleases)('PostgreSQL %i', (release) => {
  let target: RealTarget;
  beforeAll(async () => {
    target = await RealTarget.start(release);
  });
  afterAll(() => target.stop());

  const orders = (['role', 'secret'] as const).flatMap((kind) => settings.map((setting, at) => [kind, ...setting, at] as const));
  it.each(orders)(
    'R6.3 R6.5 undoes exactly what two cases on one %s granted, for an executor in %s with date style %s',
    async (kind, zone, style, at) => {
      for (let seed = first + at * runs; seed < first + (at + 1) * runs; seed++) {
        const order: Order = { seed: seed + release * 100_000, kind, setting: [zone, style], plot: plotOf(seed + release * 100_000, kind) };
        const outcome = await runOrder(order, target);
        all[kind].push(outcome);
        if (outcome.problems.length === 0) continue;
        const least = await smallest(order, target);
        // With one order for each setting, the settings get consecutive seeds.
        const again = `READMIT_FUZZ_SEED=${seed - at} READMIT_FUZZ_RUNS=1`;
        throw new Error(`${again}: ${outcome.problems.join('\n')}\nsmallest: ${JSON.stringify(least, null, 1)}`);
      }
    },
    timeout,
  );
});

/** The control: orders in which nothing happens prove nothing. Not if there are fewer orders than usual, to repeat one of them. */
if (wanted >= usual)
  it('includes many orders with success, failure, a hold by the other case, a take-over, and changes by a DBA', () => {
    const sum = (kind: 'role' | 'secret', of: Exclude<keyof OrderOutcome, 'problems'>): number =>
      all[kind].reduce((total, one) => total + one[of], 0);
    for (const kind of ['role', 'secret'] as const) {
      expect(sum(kind, 'succeeded')).toBeGreaterThan(runs);
      expect(sum(kind, 'failed')).toBeGreaterThan(runs);
      expect(sum(kind, 'byDba')).toBeGreaterThan(runs);
    }
    expect(sum('role', 'stillHeld')).toBeGreaterThan(0);
    expect(sum('secret', 'takenOver')).toBeGreaterThan(0);
  });
