/** What is known about a case between entries of the log, and what of it a record has. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import { foldCase, whoseOf, type KnownCase, type Whose } from './whose.js';

const fact = (type: Fact['type'], data: object): Fact => ({ id: 'id', type, at: '2026-11-22T10:00:00.000Z', data }) as unknown as Fact;
const role = { connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const asked = { kind: 'role.restore', ...role };
const undo = { kind: 'role.revoke', ...role };
const opening = (subject = 'erin') => ({
  caseId: 'case_1',
  subject: { kind: 'person', id: subject },
  requester: { kind: 'person', id: 'ada' },
  asks: [{ id: 'ask_1', ...asked }],
});
const opened = fact('readmit.case.opened', opening());
const decided = (approver: string, decision = 'approve') => ({ statement: { approver, decision } });
const grantOf = (...decisions: readonly object[]): Fact =>
  fact('readmit.approval.granted', { caseId: 'case_1', decisions, obligations: [{ id: 'undo_1', armedBy: 'start', ...undo }] });
const granted = grantOf(decided('chidi'), decided('dana', 'deny'), decided('gita'));
const closed = fact('readmit.case.closed', { caseId: 'case_1', outcome: 'denied' });
const overdue = (obligationId: string): Fact => fact('readmit.revocation.overdue', { caseId: 'case_1', obligationId });
/** The record of the last entry. */
const whoseAfter = (...entries: readonly Fact[]): Whose | undefined => {
  const last = entries.at(-1);
  return last && whoseOf(entries.reduce<KnownCase>(foldCase, {}), last);
};
const ofErin = { subject: { kind: 'person', id: 'erin' }, requester: { kind: 'person', id: 'ada' } };

describe('the record of an entry', () => {
  it('R7.4 names subject, requester and what was asked for, from the opening of the case on', () => {
    expect(whoseAfter(opened)).toEqual({ ...ofErin, what: [asked] });
    expect(whoseAfter(opened, closed)).toEqual({ ...ofErin, what: [asked] });
    expect(whoseAfter(closed)).toBeUndefined();
  });
  it('R7.4 names who approved, and nobody who denied, from the grant on', () => {
    for (const last of [granted, closed])
      expect(whoseAfter(opened, granted, last)).toEqual({ ...ofErin, approvers: ['chidi', 'gita'], what: [asked] });
  });
  it('R7.4 names of an obligation what it undoes', () => {
    expect(whoseAfter(opened, granted, overdue('undo_1'))).toMatchObject({ what: [undo] });
    expect(whoseAfter(opened, granted, overdue('undo_2'))).toMatchObject({ what: [asked] });
  });
  it('R7.4 names the approvers of a grant that audit heard before the opening', () => {
    expect(whoseAfter(granted)).toBeUndefined();
    expect(whoseAfter(granted, opened, closed)).toEqual({ ...ofErin, approvers: ['chidi', 'gita'], what: [asked] });
  });
  it('R7.4 names whom the first opening and the first grant name, and of a second opening its own', () => {
    const again = fact('readmit.case.opened', opening('mallory'));
    expect(whoseAfter(opened, again, closed)).toMatchObject(ofErin);
    expect(whoseAfter(opened, again)).toMatchObject({ subject: { id: 'mallory' } });
    expect(whoseAfter(opened, granted, grantOf(decided('mallory')), closed)).toMatchObject({ approvers: ['chidi', 'gita'] });
  });
  it('R7.4 names it in a refusal, and not at a timer, which is about no account', () => {
    const refused = fact('readmit.intake.refused', { key: 'case_1', command: 'withdraw', actor: 'mallory' });
    expect(whoseAfter(opened, refused)).toEqual({ ...ofErin, what: [asked] });
    expect(whoseAfter(opened, fact('readmit.intake.deadline-set', { key: 'case_1', deadline: null }))).toBeUndefined();
  });
});

describe('what is kept of a case', () => {
  it('is the same object when an entry adds nothing: nothing is written then', () => {
    const known = [opened, granted].reduce<KnownCase>(foldCase, {});
    for (const entry of [opened, granted, closed, overdue('undo_1')]) expect(foldCase(known, entry)).toBe(known);
  });
  it('is bounded, whatever a grant holds', () => {
    const decisions = Array.from({ length: 500 }, (_, n) => decided(`person_${n}`));
    const obligations = Array.from({ length: 500 }, (_, n) => ({ id: `undo_${n}`, ...undo }));
    const { granted: kept } = foldCase({}, fact('readmit.approval.granted', { caseId: 'case_1', decisions, obligations }));
    expect([kept?.approvers.length, kept?.undoes.length]).toEqual([100, 20]);
  });
});
