/** A set of facts gives the same answers for any order of arrival. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { Facts } from './facts.js';

const frozen = (id: string, second: number): Fact => ({
  id,
  type: 'readmit.case.frozen',
  at: new Date(Date.parse('2026-11-22T10:00:00.000Z') + second * 1000).toISOString(),
  data: { caseId: 'case_1', by: id, cause: 'signal' },
});
const [first, second, third] = [frozen('b', 0), frozen('a', 1), frozen('c', 1)];

describe('facts', () => {
  it.each([[[first, second, third]], [[third, second, first]], [[second, third, first]], [[third, first, second, third]]])(
    'R8.1 are in the order in which they were said, then of their ids, in whatever order and however often they arrived',
    (arrived) => {
      const facts = new Facts(arrived);
      expect(facts.all).toEqual([first, second, third]);
      expect(facts.first('readmit.case.frozen')).toEqual(first);
      expect(facts.last('readmit.case.frozen')).toEqual(third);
    },
  );

  it('R8.1 that come later take their place', () => {
    expect(new Facts([third]).with([first]).all).toEqual([first, third]);
    expect(new Facts([first]).with([third]).all).toEqual([first, third]);
    expect(new Facts([third]).with([second]).with([first]).of('readmit.case.frozen')).toEqual([first, second, third]);
  });

  it('R8.3 that come again change nothing, and the set that they joined stays as it was', () => {
    const before = new Facts([first]);
    const after = before.with([first, second, second]);
    expect([before.size, before.all]).toEqual([1, [first]]);
    expect([after.size, after.all]).toEqual([2, [first, second]]);
    expect([before.includes(second), after.includes(second), after.includes(third)]).toEqual([false, true, false]);
  });

  it('R8.3 are known by type and id: no service can take the place of what another says', () => {
    const other = { ...first, type: 'readmit.case.closed' } as unknown as Fact;
    const facts = new Facts([first]).with([other]);
    expect([facts.size, facts.includes(other), facts.first('readmit.case.frozen')]).toEqual([2, true, first]);
    expect(new Facts([first]).includes(other)).toBe(false);
  });
});
