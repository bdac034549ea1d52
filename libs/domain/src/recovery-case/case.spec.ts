/** Outcome and state of a case, as a function of its facts. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { SimulatedServices } from '../../test/simulated-services.js';
import { Facts } from '../kernel/facts.js';
import { openObligations } from '../revocation-obligation/obligations.js';
import { caseState, outcomeOf } from './case-outcome.js';
import { caseRow } from '../case-view/case-view.js';
import { caseReact } from './case.react.js';

const played = new SimulatedServices();
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
    const frozen = fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' });
    expect(outcomeOf(without('readmit.case.closed').with([frozen]))).toBe('frozen');
    expect(outcomeOf(without('readmit.case.closed'))).toBe('completed');
  });

  it('R5.4 stays what it was closed with, whatever is said due, frozen or contained afterwards', () => {
    const [obligationId] = new Facts(all).of('readmit.obligation.recorded').map(({ data }) => data.obligationId);
    const afterwards = new Facts([
      ...all,
      fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' }),
      fact('readmit.containment.ordered', { by: 'gita' }),
      { ...fact('readmit.revocation.due', { obligationId, cause: 'frozen' }), at: '2027-01-01T00:00:00.000Z' },
    ]);
    expect([outcomeOf(afterwards), caseState(afterwards)]).toEqual(['completed', 'closed']);
    expect(caseRow(afterwards)).toMatchObject({ outcome: 'completed', openObligations: 1 });
  });
});

describe('what a case owes', () => {
  const [recorded] = new Facts(all).of('readmit.obligation.recorded');
  const obligationId = recorded?.data.obligationId;
  const later = (minute: number, type: Fact['type'], data: object): Fact => ({
    ...fact(type, { obligationId, ...data }),
    id: `event_${type}_${minute}`,
    at: `2027-01-01T00:0${minute}:00.000Z`,
  });
  const asked = later(1, 'readmit.revocation.due', { cause: 'containment' });
  const open = (...more: Fact[]) => openObligations(without('readmit.case.closed').with(more));

  it('R6.3 is open again when it is asked again, until that question is answered, not an earlier one', () => {
    expect(open()).toEqual([]);
    expect(open(asked)).toEqual([obligationId]);
    expect(open(asked, later(2, 'readmit.revocation.confirmed', { how: 'undone' }))).toEqual([obligationId]);
    expect(open(asked, later(2, 'readmit.revocation.confirmed', { how: 'undone', answers: 'event_of_another' }))).toEqual([obligationId]);
    expect(open(asked, later(2, 'readmit.revocation.confirmed', { how: 'still-held', answers: asked.id }))).toEqual([obligationId]);
    expect(open(asked, later(2, 'readmit.revocation.confirmed', { how: 'undone', answers: asked.id }))).toEqual([]);
    expect(open(asked, later(2, 'readmit.obligation.discharged', { kind: 'bypass.close', how: 'undone' }))).toEqual([]);
  });

  it('R6.3 is overdue once the scheduler says so, until it is discharged', () => {
    const overdue = (...more: Fact[]) => caseRow(without('readmit.case.closed', 'readmit.obligation.discharged').with(more))?.overdue;
    const late = later(2, 'readmit.revocation.overdue', {});
    expect(overdue(asked)).toBe(false);
    expect(overdue(asked, late)).toBe(true);
    const discharged = later(3, 'readmit.obligation.discharged', { kind: 'bypass.close', how: 'undone' });
    expect(overdue(asked, late, discharged)).toBe(false);
    expect(overdue(asked, late, discharged, later(4, 'readmit.revocation.due', { cause: 'containment' }))).toBe(false);
  });

  it('R5.4 is not what only a repudiation would arm, until that was said due', () => {
    const withdrawal = { ...recorded?.data.undo, id: 'case/withdraw', kind: 'enrolment.withdraw', armedBy: 'repudiation' };
    const owed = later(0, 'readmit.obligation.recorded', { obligationId: 'case/withdraw', undo: withdrawal });
    const due = later(1, 'readmit.revocation.due', { obligationId: 'case/withdraw', cause: 'frozen' });
    const byClock = later(0, 'readmit.obligation.recorded', { obligationId: 'case/other', undo: { ...withdrawal, armedBy: 'start' } });
    expect(open(byClock)).toEqual(['case/other']);
    expect(open(owed)).toEqual([]);
    expect(open(owed, due)).toEqual(['case/withdraw']);
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

  it('R5.4 tells what was stopped after it had ended, once, and never that it was not granted', () => {
    const frozen = { ...fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' }), at: '2027-01-01T00:00:00.000Z' };
    const contained = { ...fact('readmit.containment.ordered', { by: 'gita' }), at: '2027-01-01T00:01:00.000Z' };
    const after = `${caseId}/notice-contained`;
    for (const stops of [[frozen], [contained], [frozen, contained]])
      expect(react(new Facts([...all, ...stops]), notices)).toEqual({ said: [], asked: [after] });
    expect(react(new Facts([...all, frozen, contained]), [...notices, after])).toEqual({ said: [], asked: [] });
    // Stopped between its last notice and its close: the case is frozen and waits for that notice too.
    const between = without('readmit.case.closed').with([frozen]);
    expect(react(between, notices)).toEqual({ said: [], asked: [after] });
    const sent = fact('readmit.notice.sent', { noticeId: after, about: 'contained', channel: 'mailbox' });
    expect(react(between.with([{ ...sent, id: 'event_after' }]), [...notices, after]).said).toEqual(['readmit.case.closed']);
  });

  it('R5.4 a case that is frozen while its grant lives is told as ended, not as refused, and not twice', () => {
    const frozen = fact('readmit.case.frozen', { by: 'ada', cause: 'repudiated' });
    const early = { ...frozen, at: all.find(({ type }) => type === 'readmit.execution.succeeded')?.at ?? '' };
    expect(react(without('readmit.case.closed', 'readmit.notice.sent').with([early]))).toEqual({ said: [], asked: notices });
    expect(react(without('readmit.case.closed').with([early]), notices)).toEqual({ said: ['readmit.case.closed'], asked: [] });
    const refused = before('readmit.approval.granted', fact('readmit.approval.denied', { decisionId: 'd', by: 'chidi' }));
    expect(react(refused).asked).toEqual([`${caseId}/notice-opened`, `${caseId}/notice-refused`]);
  });

  it('R5.4 tells the subject, not the requester', () => {
    const told = (requester: object) =>
      (
        caseReact(new Facts([fact('readmit.case.opened', { subject: { kind: 'person', id: 'ada' }, requester })]), {
          ...played.context('intake', caseId),
          work: new Set(),
        }).work ?? []
      ).map(({ input }) => input);
    expect(told({ kind: 'person', id: 'ada' })).toEqual([{ about: 'opened', to: 'ada' }]);
    expect(told({ kind: 'person', id: 'mallory' })).toEqual([{ about: 'opened', to: 'ada' }]);
    expect(told({ kind: 'anonymous' })).toEqual([{ about: 'opened', to: 'ada' }]);
  });

  it('R5.4 tells those who own a machine, each by a separate notice, once they are known', () => {
    const machine = (owners?: readonly string[]) =>
      new Facts([
        { ...fact('readmit.case.opened', { subject: { kind: 'machine', id: 'svc-payroll' }, requester: { kind: 'anonymous' } }) },
        ...(owners
          ? [
              fact('readmit.people.attested', {
                directory: { issuedAt: '2026-11-22T09:00:00.000Z' },
                people: [],
                contacts: [],
                consumers: [],
                owners,
              }),
            ]
          : []),
      ]);
    const told = (facts: Facts) =>
      (caseReact(facts, { ...played.context('intake', caseId), work: new Set() }).work ?? []).map(({ input }) => input);
    expect(told(machine())).toEqual([]);
    expect(told(machine(['pat', 'dana']))).toEqual([
      { about: 'opened', to: 'pat' },
      { about: 'opened', to: 'dana' },
    ]);
    expect(told(machine([]))).toEqual([{ about: 'opened', to: 'svc-payroll' }]);
    // It ends before its owners are known: the machine's own address is used.
    const frozen = fact('readmit.case.frozen', { by: 'gita', cause: 'reported' });
    expect(told(machine().with([frozen]))).toEqual([
      { about: 'opened', to: 'svc-payroll' },
      { about: 'refused', to: 'svc-payroll' },
    ]);
    const longest = 'p'.repeat(255);
    const [work] = caseReact(machine([longest]), { ...played.context('intake', caseId), work: new Set() }).work ?? [];
    expect(work?.id.length).toBeLessThanOrEqual(255);
  });

  it('R8.3 is said once, and nothing is said of a case that intake did not open', () => {
    expect(react(new Facts(all), notices)).toEqual({ said: [], asked: [] });
    expect(react(without('readmit.case.opened'))).toEqual({ said: [], asked: [] });
  });
});
