/** How a case went and where it stands, as a function of its facts. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { House } from '../../test/house.js';
import { Facts } from '../kernel/facts.js';
import { caseReact, caseRow, caseState, outcomeOf } from './case.react.js';

const played = new House();
played.used = true;
const caseId = played.open([{ kind: 'factor.bypass', object: 'ada' }], { kind: 'person', id: 'ada' });
played.prove(caseId);
played.decide(caseId, 'chidi');
const all = played.facts('intake', caseId).all;
const fact = (type: Fact['type'], data: object = {}): Fact =>
  ({ id: `event_${type}`, type, at: '2026-11-22T10:00:00.000Z', data: { caseId, ...data } }) as unknown as Fact;
const before = (type: Fact['type'], ...more: Fact[]): Facts => {
  const until = all.findIndex((one) => one.type === type);
  expect(until).toBeGreaterThan(0);
  return new Facts([...all.slice(0, until), ...more]);
};
const without = (...types: Fact['type'][]): Facts => new Facts(all.filter((one) => !types.includes(one.type)));

describe('the outcome of a case', () => {
  it('R6.3 is completed when all that it owed was taken back (the control of this file)', () => {
    expect(outcomeOf(new Facts(all))).toBe('completed');
    expect(caseState(new Facts(all))).toBe('closed');
  });

  it('R6.3 is open while an obligation is: a success alone ends nothing', () => {
    expect(outcomeOf(without('readmit.obligation.discharged', 'readmit.case.closed'))).toBeUndefined();
    expect(caseState(without('readmit.obligation.discharged', 'readmit.case.closed'))).toBe('ending');
  });

  it.each<[ReturnType<typeof outcomeOf>, Fact['type'], object]>([
    ['withdrawn', 'readmit.approval.withdrawn', { by: 'ada' }],
    ['denied', 'readmit.approval.denied', { decisionId: 'd', by: 'chidi' }],
    ['expired', 'readmit.approval.expired', { expiredAt: '2026-11-22T10:00:00.000Z' }],
    ['failed', 'readmit.plan.refused', { rule: 'R2.2', reason: 'r', says: 's' }],
    ['frozen', 'readmit.case.frozen', { by: 'ada', cause: 'repudiated' }],
    ['frozen', 'readmit.containment.ordered', { by: 'chidi' }],
  ])('R7.1 is %s before a grant, by %s', (outcome, type, data) => {
    expect(outcomeOf(before('readmit.approval.granted'))).toBeUndefined();
    expect(outcomeOf(before('readmit.approval.granted', fact(type, data)))).toBe(outcome);
  });

  it('R6.4 a case that was frozen after its grant is frozen, though everything was taken back', () => {
    const facts = new Facts([...all, fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' })]);
    expect(outcomeOf(facts)).toBe('frozen');
  });
});

describe('the states of a case', () => {
  it('R7.1 follow its facts one after the other', () => {
    const at = (type: Fact['type']) => caseState(before(type));
    expect([
      at('readmit.case.classified'),
      at('readmit.plan.proposed'),
      at('readmit.approval.requested'),
      at('readmit.approval.granted'),
      at('readmit.execution.started'),
      at('readmit.execution.succeeded'),
      at('readmit.revocation.due'),
      at('readmit.case.closed'),
    ]).toEqual(['opened', 'classified', 'planned', 'awaiting-approval', 'approved', 'executing', 'granted', 'ending']);
  });

  it('R7.1 the row of the ledger names class, tier, reasons, outcome and what is still owed', () => {
    expect(caseRow(new Facts([]))).toBeUndefined();
    expect(caseRow(new Facts(all))).toMatchObject({ state: 'closed', outcome: 'completed', class: 'mfa-recovery', openObligations: 0 });
    expect(caseRow(before('readmit.obligation.discharged'))).toMatchObject({ outcome: null, openObligations: 1 });
  });
});

describe('the end of a case', () => {
  const react = (facts: Facts, work: readonly string[] = []) => {
    const { emit, work: asked } = caseReact(facts, { ...played.context('intake', caseId), work: new Set(work) });
    return { said: emit.map(({ type }) => type), asked: (asked ?? []).map(({ id }) => id) };
  };
  const notices = ['opened', 'executed', 'ended'].map((about) => `${caseId}/notice-${about}`);

  it('R5.4 waits until every notice went out or was given up on record', () => {
    const notSent = without('readmit.case.closed', 'readmit.notice.sent');
    expect(react(notSent)).toEqual({ said: [], asked: notices });
    expect(react(notSent, notices)).toEqual({ said: [], asked: [] });
    expect(react(without('readmit.case.closed'), notices).said).toEqual(['readmit.case.closed']);
    const givenUp = ['opened', 'executed', 'ended'].map((about) => ({
      ...fact('readmit.notice.given-up', { about }),
      id: `event_${about}`,
    }));
    expect(react(notSent.with(givenUp), notices).said).toEqual(['readmit.case.closed']);
  });

  it('R8.3 is said once, and nothing is said of a case that intake did not open', () => {
    expect(react(new Facts(all), notices)).toEqual({ said: [], asked: [] });
    expect(react(without('readmit.case.opened'))).toEqual({ said: [], asked: [] });
  });
});
