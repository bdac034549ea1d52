/**
 * Proves that the key of one service, stolen, gives nobody anything and makes nobody keep anything: whatever a thief validly signs with it, in
 * whatever order, nothing is given that a quorum did not approve, and what was given is undone or called overdue on record. Does
 * not prove signatures, topics and transactions (libs/signing, libs/bus, libs/runtime), nor what a thief does with a service's database.
 *
 * READMIT_FUZZ_RUNS and READMIT_FUZZ_SEED repeat or widen a run: `npm run fault` makes 500 runs for each service.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { services, type Person } from '@readmit/contracts';
import { crypto, directory } from './cast.js';
import { runOnce, type Outcome, type Problem } from './run.js';

const runs = Number(process.env['READMIT_FUZZ_RUNS'] ?? 50);
/** Under `npm run fault` there are many runs, on a machine that does other things too. */
const timeout = 60_000 + runs * 500;
const first = Number(process.env['READMIT_FUZZ_SEED'] ?? 1);

async function runAll(thief: Parameters<typeof runOnce>[1]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let seed = first; seed < first + runs; seed++) outcomes.push(await runOnce(seed, thief));
  return outcomes;
}
/** One line for each thing that went wrong: the seed makes the run again. */
const wrong = (outcomes: readonly Outcome[], rule?: Problem['rule']): string[] =>
  outcomes.flatMap(({ seed, problems }) =>
    problems.filter((one) => rule === undefined || one.rule === rule).map(({ says }) => `seed ${seed}: ${says}`),
  );
const given = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, one) => sum + one.given, 0);

/** The control: the same people, targets and failures, and no thief. Here more must be true: nobody lies. */
describe('runs in which nobody is a thief', () => {
  let outcomes: readonly Outcome[] = [];
  beforeAll(async () => {
    outcomes = await runAll(undefined);
  }, timeout);

  it('R8.1 come to rest, and give what was approved and nothing else', () => {
    expect(wrong(outcomes, 'R8.1')).toEqual([]);
    expect(outcomes.flatMap(({ unapproved }) => unapproved)).toEqual([]);
    expect(given(outcomes)).toBeGreaterThan(runs / 2);
  });
  it('R4.7 R6.2 have no end at the target that is later than was approved', () => {
    expect(wrong(outcomes, 'R4.7')).toEqual([]);
  });
  it('R5.5 give up no restoration whose outcome is not known while its grant lasts', () => {
    expect(wrong(outcomes, 'R5.5')).toEqual([]);
  });
  it('R6.3 undo everything that was given, however often the target fails and workers die', () => {
    expect(wrong(outcomes, 'R6.3')).toEqual([]);
  });
  it('R6.5 take nothing away that another case still holds', () => {
    expect(wrong(outcomes, 'R6.5')).toEqual([]);
  });
});

describe('whoever has the key of', () => {
  it.each(services)(
    'R4.4 R6.3 %s is given nothing that was not approved and keeps nothing, and the system comes to rest',
    async (thief) => {
      const outcomes = await runAll(thief);
      expect(wrong(outcomes)).toEqual([]);
      // A thief that is never heard proves nothing.
      expect(outcomes.reduce((sum, one) => sum + one.forged, 0)).toBeGreaterThan(runs * 5);
      expect(given(outcomes)).toBeGreaterThan(0);
      const unapproved = outcomes.flatMap((one) => one.unapproved.map((what) => ({ ...what, seed: one.seed })));
      if (thief !== 'classification') {
        expect(unapproved.map(({ seed, given }) => `seed ${seed}: ${given.thing} for ${given.caseId}`)).toEqual([]);
        return;
      }
      // Who says who may decide can make deciders (docs/faults.md). It is on record: somebody was attested as the signed directory does not have them.
      for (const { attested } of unapproved) expect(attested.some(({ data }) => data.people.some(isInvented))).toBe(true);
    },
    timeout,
  );
});

/** Teams that the case does not ask for may be left out; everything else is as the directory has it. */
function isInvented({ id, teams, human, authority, employment, keys }: Person): boolean {
  const real = directory.people.find((one) => one.id === id);
  const told = (one: Pick<Person, 'human' | 'authority' | 'employment' | 'keys'>): string =>
    crypto.canonical([one.human, one.authority, one.employment, one.keys]);
  return !real || !teams.every((team) => real.teams.includes(team)) || told({ human, authority, employment, keys }) !== told(real);
}
