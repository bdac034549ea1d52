/** One case and its people in a few facts: requester, subject, verifiers, approvers, and people who do not participate. */
import type { Fact } from '@readmit/contracts';
import { Facts } from '../src/index.js';

const at = '2026-11-22T09:00:00.000Z';
export const fact = (type: Fact['type'], data: object, when = at): Fact =>
  ({ id: `event_${type}_${when}`, type, at: when, data: { caseId: 'case_1', ...data } }) as unknown as Fact;
export const person = (id: string, teams: readonly string[], more: object = {}) => ({
  id,
  human: id,
  teams,
  employment: 'employee',
  keys: [],
  ...more,
});
export const opened = (requester: object = { kind: 'anonymous' }, subject: object = { kind: 'person', id: 'ada' }) =>
  fact('readmit.case.opened', { subject, requester });
export const classified = fact('readmit.case.classified', {
  requirements: { verifiers: ['help-desk'], quorum: [{ teams: ['security-oncall', 'system-owner'], count: 1, authority: 5 }] },
});
export const attest = (data: object, when = at) => fact('readmit.people.attested', { directory: { issuedAt: at }, ...data }, when);
export const attested = attest({
  people: [
    person('ada', ['staff'], { human: 'ada-lovelace' }),
    person('ada-admin', ['security-oncall'], { human: 'ada-lovelace' }),
    person('boris', ['help-desk']),
    person('chidi', ['security-oncall']),
    person('mallory', ['help-desk'], { employment: 'vendor' }),
    person('nora', ['accounting']),
  ],
});
export const whole = (requester?: object) => new Facts([opened(requester), classified, attested]);
