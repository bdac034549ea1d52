/**
 * Two open cases about one role of one login, or about one service account, at a real PostgreSQL: in whatever order they are approved, fail, end, are
 * contained or frozen, workers are killed, and a DBA changes the target in between, what was given goes, and nothing of anybody else does.
 * Does not prove the bus, the store and the HTTP routes: delivery is in memory.
 *
 * READMIT_FUZZ_RUNS and READMIT_FUZZ_SEED repeat or widen a run: what went wrong is said with the two that make it again.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { postgresReleases } from '@readmit/testing';
import { RealTarget } from './real-target.js';
import { plotOf, runOrder, smallest, type Came, type Order } from './two-cases.js';

const usual = 50;
const wanted = Number(process.env['READMIT_FUZZ_RUNS'] ?? usual);
/** Orders of each kind, setting and release: one takes as long as eight runs in memory. */
const runs = Math.ceil(wanted / 8);
const first = Number(process.env['READMIT_FUZZ_SEED'] ?? 1);
const settings = [
  ['UTC', 'ISO, MDY'],
  ['Asia/Kolkata', 'German'],
  ['Europe/Dublin', 'SQL, DMY'],
] as const;
const timeout = 60_000 + runs * 5000;
const all: Record<'role' | 'secret', Came[]> = { role: [], secret: [] };

describe.each(postgresReleases)('PostgreSQL %i', (release) => {
  let target: RealTarget;
  beforeAll(async () => {
    target = await RealTarget.start(release);
  });
  afterAll(() => target.stop());

  const orders = (['role', 'secret'] as const).flatMap((kind) => settings.map((setting, at) => [kind, ...setting, at] as const));
  it.each(orders)(
    'R6.3 R6.5 takes back of two cases on one %s what they gave and nothing else, for an executor in %s that writes dates as %s',
    async (kind, zone, style, at) => {
      for (let seed = first + at * runs; seed < first + (at + 1) * runs; seed++) {
        const order: Order = { seed: seed + release * 100_000, kind, setting: [zone, style], plot: plotOf(seed + release * 100_000, kind) };
        const came = await runOrder(order, target);
        all[kind].push(came);
        if (came.wrong.length === 0) continue;
        const least = await smallest(order, target);
        // Of one order each, the settings take the seeds one after the other.
        const again = `READMIT_FUZZ_SEED=${seed - at} READMIT_FUZZ_RUNS=1`;
        throw new Error(`${again}: ${came.wrong.join('\n')}\nsmallest: ${JSON.stringify(least, null, 1)}`);
      }
    },
    timeout,
  );
});

/** The control: orders in which nothing happens prove nothing. Fewer than usual are made to see one of them again. */
if (wanted >= usual)
  it('has orders of which many succeeded, failed, held for each other, were taken over, and met a DBA', () => {
    const sum = (kind: 'role' | 'secret', of: Exclude<keyof Came, 'wrong'>): number => all[kind].reduce((total, one) => total + one[of], 0);
    for (const kind of ['role', 'secret'] as const) {
      expect(sum(kind, 'succeeded')).toBeGreaterThan(runs);
      expect(sum(kind, 'failed')).toBeGreaterThan(runs);
      expect(sum(kind, 'byDba')).toBeGreaterThan(runs);
    }
    expect(sum('role', 'stillHeld')).toBeGreaterThan(0);
    expect(sum('secret', 'takenOver')).toBeGreaterThan(0);
  });
