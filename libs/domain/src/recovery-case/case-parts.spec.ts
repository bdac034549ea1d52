/** Who may repudiate a case, and what a signal does to it. */
import { describe, expect, it } from '@jest/globals';
import { attest, classified, fact, opened, whole } from '../../test/case-people.js';
import { why } from '../../test/cast.js';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { freezeBySignal, repudiate, type Repudiation } from './case.commands.js';

describe('a repudiation', () => {
  const context = { key: 'case_1' } as Context;
  const by = (facts: Facts, input: Partial<Repudiation>) => {
    const outcome = repudiate({ actor: undefined, codeRight: undefined, why, ...input })(facts, context);
    return outcome.refused ? outcome.reason : outcome.emit.map(({ type, data }) => [type, data]);
  };
  const frozen = (who: string, cause: string) => [
    ['readmit.case.frozen', { caseId: 'case_1', by: who, cause, reasonDigest: 'd'.repeat(64) }],
  ];
  const actor = (id: string, ...teams: string[]) => ({ actor: { id, teams } });

  it('R5.4 is the word of the subject, under any of her accounts, and of those who own a machine', () => {
    expect(by(whole(), actor('ada'))).toEqual(frozen('ada', 'repudiated'));
    expect(by(whole(), actor('ada-admin'))).toEqual(frozen('ada-admin', 'repudiated'));
    expect(by(new Facts([opened()]), actor('ada'))).toEqual(frozen('ada', 'repudiated'));
    const owned = attest({ people: [], owners: ['pat'] });
    const machine = new Facts([opened(undefined, { kind: 'machine', id: 'svc-payroll' }), classified, owned]);
    expect(by(machine, actor('pat'))).toEqual(frozen('pat', 'repudiated'));
    expect(by(machine, actor('nora'))).toBe('not-the-subject');
  });

  it('R5.4 is taken in every state: the case is closed, and what it gave is still taken back', () => {
    const closed = whole().with([fact('readmit.case.closed', { outcome: 'completed' })]);
    expect(by(closed, actor('ada'))).toEqual(frozen('ada', 'repudiated'));
    expect(by(closed, { codeRight: true })).toEqual(frozen('repudiation-code', 'repudiated'));
    expect(by(new Facts([classified]), actor('ada'))).toBe('case-unknown');
  });

  it('R5.4 needs no sign-in from the holder of a notice code, and a wrong code is no code', () => {
    expect(by(whole(), { codeRight: true })).toEqual(frozen('repudiation-code', 'repudiated'));
    expect(by(whole(), { codeRight: false })).toBe('repudiation-code-wrong');
    expect(by(whole(), { codeRight: false, ...actor('nora') })).toBe('repudiation-code-wrong');
    // The subject needs none.
    expect(by(whole(), { codeRight: false, ...actor('ada') })).toEqual(frozen('ada', 'repudiated'));
    expect(by(whole(), {})).toBe('not-the-subject');
  });

  it('R5.4 is reported for the subject by the desk or an operator, and by nobody else', () => {
    expect(by(whole(), actor('boris'))).toEqual(frozen('boris', 'reported'));
    expect(by(whole(), actor('gita', 'platform-operators'))).toEqual(frozen('gita', 'reported'));
    // Teams of the desk are attested, never claimed; vendors and approvers are not the desk.
    for (const who of [actor('eve', 'help-desk'), actor('mallory'), actor('chidi'), actor('nora')])
      expect(by(whole(), who)).toBe('not-the-subject');
  });

  it.each(['', ' ', '\u200b\u2060', '\u3164'])('R4.5 needs a reason that can be seen (%j), from everyone who may give it', (reason) => {
    const saying = { why: { ...why, reason } };
    expect(by(whole(), { ...actor('nora'), ...saying })).toBe('not-the-subject');
    expect(by(whole(), { ...actor('ada'), ...saying })).toBe('reason-blank');
    expect(by(whole(), { codeRight: true, ...saying })).toBe('reason-blank');
    expect(by(whole(), { codeRight: true })).toEqual(frozen('repudiation-code', 'repudiated'));
  });

  it('R5.4 is never reported by who asked for it', () => {
    expect(by(whole({ kind: 'person', id: 'boris' }), actor('boris'))).toBe('repudiator-is-requester');
    expect(by(whole({ kind: 'person', id: 'gita' }), actor('gita', 'platform-operators'))).toBe('repudiator-is-requester');
    expect(by(whole({ kind: 'person', id: 'erin' }), actor('boris'))).toEqual(frozen('boris', 'reported'));
    // A requester who is the subject may still repudiate.
    expect(by(whole({ kind: 'person', id: 'ada' }), actor('ada'))).toEqual(frozen('ada', 'repudiated'));
  });

  it('R8.3 is recorded once by people, also when a signal had frozen the case before', () => {
    const freeze = (cause: string) => fact('readmit.case.frozen', { by: 'x', cause });
    expect(by(whole().with([freeze('repudiated')]), actor('ada'))).toEqual([]);
    expect(by(whole().with([freeze('reported')]), actor('ada'))).toEqual([]);
    expect(by(whole().with([freeze('signal')]), actor('ada'))).toEqual(frozen('ada', 'repudiated'));
  });
});

describe('a signal of compromise', () => {
  const frozen = (facts: Facts, receivedAt = '2026-11-22T09:30:00.000Z') => {
    const outcome = freezeBySignal('acme:1', receivedAt)(facts, { key: 'case_1' } as Context);
    return outcome.refused ? outcome.reason : outcome.emit.map(({ data }) => data);
  };
  it('R6.4 freezes a case that lives, once', () => {
    expect(frozen(whole())).toEqual([{ caseId: 'case_1', by: 'acme:1', cause: 'signal' }]);
    expect(frozen(whole().with([fact('readmit.case.frozen', { by: 'acme:1', cause: 'signal' })]))).toEqual([]);
  });
  it('R6.4 changes nothing that was opened after it, is closed, or is no case', () => {
    expect(frozen(whole(), '2026-11-22T08:59:59.999Z')).toEqual([]);
    expect(frozen(whole().with([fact('readmit.case.closed', { outcome: 'completed' })]))).toEqual([]);
    expect(frozen(new Facts([classified]))).toEqual([]);
  });
});
