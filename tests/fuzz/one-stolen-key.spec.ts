/**
 * A stolen key of one service grants nothing and prolongs nothing: whatever a thief validly signs with it, in any order, nothing is granted
 * that a quorum did not approve, and every grant is undone or reported as overdue. Not tested here: signatures, topics and transactions
 * (libs/signing, libs/bus, libs/runtime), and what a thief can do with a service's database.
 *
 * READMIT_FUZZ_RUNS and READMIT_FUZZ_SEED repeat or extend a run: `npm run fault` makes 500 runs for each service.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { services, type Person } from '@readmit/contracts';
import { crypto, directory } from './cast.js';
import { runOnce, type Outcome, type Problem } from './run.js';

const runs = Number(process.env['READMIT_FUZZ_RUNS'] ?? 50);
/** `npm run fault` makes many runs, on a machine that does other things too. */
const timeout = 60_000 + runs * 500;
const first = Number(process.env['READMIT_FUZZ_SEED'] ?? 1);

async function runAll(thief: Parameters<typeof runOnce>[1]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let seed = first; seed < first + runs; seed++) outcomes.push(await runOnce(seed, thief));
  return outcomes;
}
/** One line for each problem, with the seed to repeat the run. */
const problemsIn = (outcomes: readonly Outcome[], rule?: Problem['rule']): string[] =>
  outcomes.flatMap(({ seed, problems }) =>
    problems.filter((one) => rule === undefined || one.rule === rule).map(({ message }) => `seed ${seed}: ${message}`),
  );
const given = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, one) => sum + one.given, 0);

/** The control: the same people, targets and failures, without a thief. Here more must hold, because every event is genuine. */
describe('runs without a thief', () => {
  let outcomes: readonly Outcome[] = [];
  beforeAll(async () => {
    outcomes = await runAll(undefined);
  }, timeout);

  it('R8.1 come to rest, and grant only what was approved', () => {
    expect(problemsIn(outcomes, 'R8.1')).toEqual([]);
    expect(outcomes.flatMap(({ unapproved }) => unapproved)).toEqual([]);
    expect(given(outcomes)).toBeGreaterThan(runs / 2);
  });
  it('R4.7 R6.2 never set an expiry at the target that is later than approved', () => {
    expect(problemsIn(outcomes, 'R4.7')).toEqual([]);
  });
  it('R5.5 abandon no restoration with an unknown outcome while its grant lasts', () => {
    expect(problemsIn(outcomes, 'R5.5')).toEqual([]);
  });
  it('R6.3 undo everything that was granted, however often the target fails and workers die', () => {
    expect(problemsIn(outcomes, 'R6.3')).toEqual([]);
  });
  it('R6.5 remove nothing that another case still holds', () => {
    expect(problemsIn(outcomes, 'R6.5')).toEqual([]);
  });
});

describe('a thief with the key of', () => {
  it.each(services)(
    'R4.4 R6.3 %s gets nothing that was not approved and keeps nothing, and the system comes to rest',
    async (thief) => {
      const outcomes = await runAll(thief);
      expect(problemsIn(outcomes)).toEqual([]);
      // Without forged events the runs would prove nothing.
      expect(outcomes.reduce((sum, one) => sum + one.forged, 0)).toBeGreaterThan(runs * 5);
      expect(given(outcomes)).toBeGreaterThan(0);
      const unapproved = outcomes.flatMap((one) => one.unapproved.map((what) => ({ ...what, seed: one.seed })));
      if (thief !== 'classification') {
        expect(unapproved.map(({ seed, given }) => `seed ${seed}: ${given.thing} for ${given.caseId}`)).toEqual([]);
        return;
      }
      // Classification attests who may decide, so its key can invent deciders (docs/faults.md). It shows: an attestation differs from the directory.
      for (const { attested } of unapproved) expect(attested.some(({ data }) => data.people.some(isInvented))).toBe(true);
    },
    timeout,
  );
});

/** Whether an attested person differs from the directory. Teams that the case does not need may be left out. */
function isInvented({ id, teams, human, authority, employment, keys }: Person): boolean {
  const real = directory.people.find((one) => one.id === id);
  const canonical = (one: Pick<Person, 'human' | 'authority' | 'employment' | 'keys'>): string =>
    crypto.canonical([one.human, one.authority, one.employment, one.keys]);
  return (
    !real || !teams.every((team) => real.teams.includes(team)) || canonical({ human, authority, employment, keys }) !== canonical(real)
  );
}
