/** The state of an obligation, for people. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { Facts } from '../kernel/facts.js';
import { obligationsOf, obligationState } from './obligations.js';

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
