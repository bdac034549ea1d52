/** The state of an obligation, for people. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { Facts } from '../kernel/facts.js';
import { isOpen, isOverdue, obligationsOf, obligationState } from './obligations.js';

const caseId = 'case_1';
const at = (minute: number): string => `2026-11-22T10:0${minute}:00.000Z`;
const fact = (type: Fact['type'], minute: number, data: object): Fact =>
  ({ id: `event_${type}_${minute}`, type, at: at(minute), data: { caseId, obligationId: 'o-1', ...data } }) as unknown as Fact;
const undo = {
  id: 'o-1',
  kind: 'role.revoke',
  connector: 'db',
  object: 'erin',
  unlessTakenOver: false,
  afterSeconds: 60,
  says: 'Revoke it.',
};
const recorded = (armedBy: string): Fact =>
  fact('readmit.obligation.recorded', 0, { undo: { ...undo, armedBy }, hardBound: at(9), grantId: 'grant_1' });
const stateOf = (...facts: readonly Fact[]): string | undefined => {
  const set = new Facts(facts);
  const [obligation] = obligationsOf(set, new Date(at(0)));
  return obligation && obligationState(obligation, set);
};

describe('the state of an obligation', () => {
  const due = (minute: number, cause: string): Fact => fact('readmit.revocation.due', minute, { cause });
  const overdue = (dueSince: string, obligationId = 'o-1'): Fact => fact('readmit.revocation.overdue', 4, { obligationId, dueSince });
  const answer = fact('readmit.revocation.confirmed', 2, { how: 'never-began', answers: 'event_readmit.revocation.due_1' });

  it('R6.3 is armed while a clock runs, recorded while none does, due once asked for, discharged at the end', () => {
    expect(stateOf(recorded('start'))).toBe('armed');
    expect(stateOf(recorded('repudiation'))).toBe('recorded');
    expect(stateOf(recorded('start'), due(1, 'expiry'))).toBe('due');
    expect(stateOf(recorded('start'), due(1, 'expiry'), fact('readmit.obligation.discharged', 5, { how: 'undone' }))).toBe('discharged');
  });

  it('R6.3 is overdue from the question that was not answered with a proof, also after it was asked again for that', () => {
    const asked = [recorded('start'), due(1, 'expiry')];
    expect(stateOf(...asked, overdue(at(1)))).toBe('overdue');
    expect(stateOf(...asked, answer, due(3, 'not-proved'), overdue(at(1)))).toBe('overdue');
    expect(stateOf(...asked, due(3, 'containment'), overdue(at(1)))).toBe('due');
    expect(stateOf(...asked, overdue(at(1), 'o-2'))).toBe('due');
  });
});

describe('what is still open', () => {
  const granted = fact('readmit.approval.granted', 0, {
    grantId: 'grant_1',
    goodUntil: at(5),
    obligations: [{ ...undo, armedBy: 'start' }],
  });
  const openOf = (...facts: readonly Fact[]): boolean[] => obligationsOf(new Facts(facts), new Date(at(0))).map(isOpen);

  it('an obligation is open from its record to its discharge: one that is only granted began nothing', () => {
    expect(openOf(granted)).toEqual([false]);
    expect(openOf(granted, recorded('start'))).toEqual([true]);
    expect(openOf(granted, recorded('start'), fact('readmit.obligation.discharged', 5, { how: 'undone' }))).toEqual([false]);
  });

  const late = [
    recorded('start'),
    fact('readmit.revocation.due', 1, { cause: 'expiry' }),
    fact('readmit.revocation.overdue', 4, { dueSince: at(1) }),
  ];
  const overdue = (...facts: readonly Fact[]): boolean => isOverdue(new Facts([...late, ...facts]));
  const second = fact('readmit.obligation.recorded', 1, {
    obligationId: 'o-2',
    undo: { ...undo, id: 'o-2', armedBy: 'start' },
    hardBound: at(9),
    grantId: 'grant_1',
  });

  it('R6.3 a case is overdue until that obligation is discharged after the report, whatever becomes of another', () => {
    expect(overdue()).toBe(true);
    expect(overdue(second, fact('readmit.obligation.discharged', 5, { obligationId: 'o-2', how: 'undone' }))).toBe(true);
    expect(overdue(second, fact('readmit.obligation.discharged', 5, { how: 'undone' }))).toBe(false);
  });

  it('R6.3 a discharge from before the report does not end it, when the question was asked again', () => {
    const before = fact('readmit.obligation.discharged', 2, { how: 'undone' });
    expect(overdue(before, fact('readmit.revocation.due', 3, { cause: 'containment' }))).toBe(true);
    // Not asked again: nothing is open any more, so nothing is late.
    expect(overdue(before)).toBe(false);
  });

  it('an answer that names no question counts for its own obligation and case only', () => {
    const answers = (data: object): number =>
      obligationsOf(new Facts([recorded('start'), fact('readmit.revocation.confirmed', 3, { how: 'undone', ...data })]), new Date(at(0)))[0]
        ?.unlinkedAnswers.length ?? -1;
    expect(answers({})).toBe(1);
    expect(answers({ answers: 'event_1' })).toBe(0);
    expect(answers({ obligationId: 'o-2' })).toBe(0);
    expect(answers({ caseId: 'case_2' })).toBe(0);
  });

  it('a take-over makes only what it replaces due: not the new secret, which ends by its clock until then', () => {
    const consumer = { id: 'billing', name: 'Billing' };
    const facts = [
      fact('readmit.people.attested', 0, { people: [], contacts: [], consumers: [consumer] }),
      fact('readmit.execution.started', 0, {}),
      fact('readmit.execution.succeeded', 1, {}),
      fact('readmit.consumer.confirmed', 2, { consumer: consumer.id }),
    ];
    const causeOf = (armedBy: string, kind = 'secret.destroy'): unknown => {
      const secret = { ...undo, kind, armedBy, afterSeconds: 3_600, unlessTakenOver: armedBy === 'start' };
      const record = fact('readmit.obligation.recorded', 0, { undo: secret, hardBound: '2026-11-22T12:00:00.000Z', grantId: 'grant_1' });
      return obligationsOf(new Facts([record, ...facts]), new Date(at(3)))[0]?.cause;
    };
    expect(causeOf('success')).toBe('taken-over');
    expect(causeOf('start')).toBeNull();
    expect(causeOf('success', 'role.revoke')).toBeNull();
  });

  it('what only a success arms is not due without one, not even when the case is contained or frozen', () => {
    const causeOf = (...facts: readonly Fact[]): unknown =>
      obligationsOf(new Facts([recorded('success'), ...facts]), new Date(at(0)))[0]?.cause;
    for (const stop of ['readmit.containment.ordered', 'readmit.case.frozen'] as const) {
      expect(causeOf(fact(stop, 2, {}))).toBeNull();
      expect(causeOf(fact('readmit.execution.succeeded', 1, {}), fact(stop, 2, {}))).not.toBeNull();
    }
  });
});
