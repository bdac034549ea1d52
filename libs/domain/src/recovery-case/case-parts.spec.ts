/** Who reads a case, who says for its subject that it was somebody else, and what a signal does to it. */
import type { Fact } from '@readmit/contracts';
import { describe, expect, it } from '@jest/globals';
import { readersOf } from '../decision-proof/parties.js';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { freezeBySignal, repudiate, type Repudiation } from './case.commands.js';
import { mayReadCase } from './case-readers.js';

const at = '2026-11-22T09:00:00.000Z';
const fact = (type: Fact['type'], data: object, when = at): Fact =>
  ({ id: `event_${type}_${when}`, type, at: when, data: { caseId: 'case_1', ...data } }) as unknown as Fact;
const person = (id: string, teams: readonly string[], more: object = {}) => ({
  id,
  human: id,
  teams,
  employment: 'employee',
  keys: [],
  ...more,
});
const opened = (requester: object = { kind: 'anonymous' }, subject: object = { kind: 'person', id: 'ada' }) =>
  fact('readmit.case.opened', { subject, requester });
const classified = fact('readmit.case.classified', {
  requirements: { verifiers: ['help-desk'], quorum: [{ teams: ['security-oncall', 'system-owner'], count: 1, authority: 5 }] },
});
const attest = (data: object, when = at) => fact('readmit.people.attested', { directory: { issuedAt: at }, ...data }, when);
const attested = attest({
  people: [
    person('ada', ['staff'], { human: 'ada-lovelace' }),
    person('ada-admin', ['security-oncall'], { human: 'ada-lovelace' }),
    person('boris', ['help-desk']),
    person('chidi', ['security-oncall']),
    person('mallory', ['help-desk'], { employment: 'vendor' }),
    person('nora', ['accounting']),
  ],
});
const whole = (requester?: object) => new Facts([opened(requester), classified, attested]);
const reads = (facts: Facts, id: string, teams: readonly string[] = []) => mayReadCase(facts, { id, teams });

describe('a case is read', () => {
  it('by its subject, who asks, and those who verify or decide, as they are attested', () => {
    const facts = whole({ kind: 'person', id: 'erin' });
    expect(readersOf(facts)).toEqual(['ada', 'ada-admin', 'boris', 'chidi', 'erin']);
    for (const id of ['ada', 'erin', 'boris', 'chidi']) expect(reads(facts, id)).toBe(true);
  });

  it('by nobody else: not by a team that the sign-in claims, a vendor, a colleague, or before anybody is attested', () => {
    const facts = whole({ kind: 'person', id: 'erin' });
    expect(reads(facts, 'eve', ['help-desk', 'security-oncall'])).toBe(false);
    expect(reads(facts, 'mallory', ['help-desk'])).toBe(false);
    expect(reads(facts, 'nora')).toBe(false);
    expect(reads(new Facts([opened()]), 'boris', ['help-desk'])).toBe(false);
    expect(reads(new Facts([opened()]), 'ada')).toBe(true);
  });

  it('by operators and auditors, as their sign-in says, when there is a case', () => {
    expect(reads(whole(), 'gita', ['platform-operators'])).toBe(true);
    expect(reads(whole(), 'otto', ['auditors'])).toBe(true);
    expect(reads(new Facts([classified, attested]), 'gita', ['platform-operators'])).toBe(false);
  });

  it('by who is attested later, and by those who own the machine that it is about', () => {
    const machine = new Facts([
      opened(undefined, { kind: 'machine', id: 'svc-payroll' }),
      classified,
      attest({ people: [person('boris', ['help-desk'])], owners: ['pat'] }),
      attest({ people: [person('dana', ['system-owner'])] }, '2026-11-22T09:05:00.000Z'),
    ]);
    expect(readersOf(machine)).toEqual(['boris', 'dana', 'pat', 'svc-payroll']);
  });
});

describe('a repudiation', () => {
  const context = { key: 'case_1' } as Context;
  const by = (facts: Facts, input: Partial<Repudiation>) => {
    const outcome = repudiate({ actor: undefined, codeRight: undefined, reasonDigest: 'd'.repeat(64), ...input })(facts, context);
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

  it('R5.4 is taken in every state: the case is closed, and what it gave is taken back all the same', () => {
    const closed = whole().with([fact('readmit.case.closed', { outcome: 'completed' })]);
    expect(by(closed, actor('ada'))).toEqual(frozen('ada', 'repudiated'));
    expect(by(closed, { codeRight: true })).toEqual(frozen('repudiation-code', 'repudiated'));
    expect(by(new Facts([classified]), actor('ada'))).toBe('case-unknown');
  });

  it('R5.4 needs no sign-in from whoever has the code of a notice, and a wrong code is no code', () => {
    expect(by(whole(), { codeRight: true })).toEqual(frozen('repudiation-code', 'repudiated'));
    expect(by(whole(), { codeRight: false })).toBe('repudiation-code-wrong');
    expect(by(whole(), { codeRight: false, ...actor('nora') })).toBe('repudiation-code-wrong');
    // The subject herself needs none.
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

  it('R5.4 is never reported by who asked for it', () => {
    expect(by(whole({ kind: 'person', id: 'boris' }), actor('boris'))).toBe('repudiator-is-requester');
    expect(by(whole({ kind: 'person', id: 'gita' }), actor('gita', 'platform-operators'))).toBe('repudiator-is-requester');
    expect(by(whole({ kind: 'person', id: 'erin' }), actor('boris'))).toEqual(frozen('boris', 'reported'));
    // Who asked for herself may still say that this one was not hers.
    expect(by(whole({ kind: 'person', id: 'ada' }), actor('ada'))).toEqual(frozen('ada', 'repudiated'));
  });

  it('R8.3 is put on record once by people, also when a signal had frozen the case before', () => {
    const freeze = (cause: string) => fact('readmit.case.frozen', { by: 'x', cause });
    expect(by(whole().with([freeze('repudiated')]), actor('ada'))).toEqual([]);
    expect(by(whole().with([freeze('reported')]), actor('ada'))).toEqual([]);
    expect(by(whole().with([freeze('signal')]), actor('ada'))).toEqual(frozen('ada', 'repudiated'));
  });
});

describe('a signal of compromise', () => {
  const says = (facts: Facts, receivedAt = '2026-11-22T09:30:00.000Z') => {
    const outcome = freezeBySignal('acme:1', receivedAt)(facts, { key: 'case_1' } as Context);
    return outcome.refused ? outcome.reason : outcome.emit.map(({ data }) => data);
  };
  it('R6.4 freezes a case that lives, once', () => {
    expect(says(whole())).toEqual([{ caseId: 'case_1', by: 'acme:1', cause: 'signal' }]);
    expect(says(whole().with([fact('readmit.case.frozen', { by: 'acme:1', cause: 'signal' })]))).toEqual([]);
  });
  it('R6.4 changes nothing that was opened after it, is closed, or is no case', () => {
    expect(says(whole(), '2026-11-22T08:59:59.999Z')).toEqual([]);
    expect(says(whole().with([fact('readmit.case.closed', { outcome: 'completed' })]))).toEqual([]);
    expect(says(new Facts([classified]))).toEqual([]);
  });
});
