/** The sentence of every event type, from the golden samples: a changed sentence fails here. */
import { describe, expect, it } from '@jest/globals';
import { eventTypes, services, type EventType, type Fact } from '@readmit/contracts';
import { sampleOf } from '@readmit/testing';
import { happened, sentenceOf, type SentenceContext } from './sentences.js';

const at = '2026-11-22T10:00:00.000Z';
const caseId = 'case_0190a3f2-6b1e-7c44-9d1a-2f5b8e0c7a11';
const factOf = (type: EventType, changed: object = {}): Fact =>
  ({ id: 'event_1', type, at, data: { ...sampleOf(type).data, ...changed } }) as Fact;
const sentence = (type: EventType, changed: object = {}, seen: SentenceContext = {}): string | undefined =>
  sentenceOf(factOf(type, changed), seen);

const refused = 'Command decide by mallory refused (R4.2 approver-is-requester): You asked for it yourself; somebody else must decide.';
const ofOneService: Readonly<Record<string, string>> = {
  'readmit.case.opened': 'Case opened by anonymous for ada: factor.bypass for ada at demo-idp (lost-device).',
  'readmit.case.frozen': 'Case frozen: repudiated by ada.',
  'readmit.notice.sent': 'Notice "opened" sent to the subject through mail.',
  'readmit.notice.given-up': 'Notice "opened" to the subject given up: The mail server refused the address five times.',
  'readmit.case.closed': 'Case closed as completed.',
  'readmit.case.classified':
    'Case classified as mfa-recovery, agent-assisted, by policy 2026-11-01: R1.2 A bypass for a person who lost her factor is an MFA recovery.',
  'readmit.people.attested': 'People attested: 1, by the directory issued at 2026-11-22T09:30:00.000Z.',
  'readmit.contact.shown': 'Contact point of the subject shown to boris.',
  'readmit.plan.proposed': 'Plan proposed: Issue a one-time pass for ada at demo-idp.',
  'readmit.plan.refused': 'Plan refused (R2.2 account-not-found): demo-idp has no account ada; the help desk can correct the request.',
  'readmit.execution.started': 'Execution started; what it gives ends at 2026-11-22T13:30:00.000Z at the latest.',
  'readmit.execution.succeeded': 'Execution succeeded.',
  'readmit.execution.failed':
    "Execution failed, effect: none (R2.5 target-changed): ada's factors are not what the plan was approved for; a new plan is needed.",
  'readmit.revocation.confirmed': 'Revocation confirmed: undone at the target; 1 session ended.',
  'readmit.revocation.failed': 'Revocation failed, try 2; next try at 2026-11-22T13:30:00.000Z: demo-idp did not answer within 10 s.',
  'readmit.credential.used': 'One-time bypass used for ada at demo-idp, at 2026-11-22T09:30:00.000Z.',
  'readmit.secret.picked-up': `Sealed secret picked up by the holder of the key ${'3f'.repeat(32)}.`,
  'readmit.enrolment.confirmed': 'New factor totp enrolled for ada at demo-idp.',
  'readmit.consumer.confirmed': 'New secret of svc-payroll used by payroll-batch.',
  'readmit.incident.raised': 'Incident raised: over-restored (R2.4): The target shows more than was planned: erin holds app_owner.',
  'readmit.finding.raised': 'Erin at ledger has more than the case left there: erin/role/app_admin should be absent and is standing.',
  'readmit.finding.cleared':
    'Finding at erin at ledger cleared: erin/role/app_admin is as it should be, or another case has changed it since.',
  'readmit.evidence.added': 'Evidence added by boris: call-back (phone, assurance substantial), valid until 2026-11-22T13:30:00.000Z.',
  'readmit.approval.requested': 'Approval requested; it expires at 2026-11-22T13:30:00.000Z.',
  'readmit.decision.recorded': 'Plan approved by chidi (software-key).',
  'readmit.approval.granted': 'Approval granted by chidi for 4h; execution must start before 2026-11-22T13:30:00.000Z.',
  'readmit.approval.denied': 'Approval denied by chidi.',
  'readmit.approval.expired': 'Approval expired: it was not decided in time.',
  'readmit.approval.withdrawn': 'Request withdrawn by ada.',
  'readmit.attestation.wanted': 'Attestation of chidi requested.',
  'readmit.obligation.recorded':
    'Obligation recorded: Close the temporary pass of ada at demo-idp, by 2026-11-22T13:30:00.000Z at the latest.',
  'readmit.revocation.due': 'Revocation due: ended by ada.',
  'readmit.revocation.overdue': 'Revocation overdue, due since 2026-11-22T13:30:00.000Z.',
  'readmit.obligation.discharged': 'Obligation discharged: undone at the target.',
  'readmit.containment.ordered': 'Containment ordered by chidi.',
  'readmit.violation.found': 'Violation found: R6.2: A success has no end: its obligation was due an hour ago.',
};
const shown: Readonly<Record<string, string>> = {
  ...ofOneService,
  ...Object.fromEntries(services.map((service) => [`readmit.${service}.refused`, refused])),
};

describe('the sentence of an event', () => {
  it.each(eventTypes)('R7.1 of %s is what the timeline shows, or it shows none', (type) => {
    expect(sentence(type)).toBe(shown[type]);
  });

  it('R7.1 is missing only of what belongs to no case or tells people nothing', () => {
    const silent = eventTypes.filter((type) => sentence(type) === undefined);
    expect(silent.filter((type) => !/deadline-set$|message-parked$/.test(type)).sort()).toEqual([
      'readmit.audit.recorded',
      'readmit.checkpoint.signed',
      'readmit.deadline.reached',
      'readmit.policy.activated',
      'readmit.signal.received',
    ]);
    // The records for SIEMs still have a sentence.
    for (const type of silent) expect(happened(factOf(type))).toMatch(/^\S+ .*[^.]$/);
  });

  it('R7.1 has the words of the people of the case only for who may read them', () => {
    const words = { reason: 'I lost my phone', repudiation: { at, reason: 'it was not me' } };
    expect(sentence('readmit.case.opened', {}, { words })).toMatch(/: I lost my phone\.$/);
    expect(sentence('readmit.case.frozen', {}, { words })).toBe('Case frozen: repudiated by ada: it was not me.');
    expect(sentence('readmit.case.frozen', { cause: 'signal' }, { words: { reason: 'x' } })).toBe('Case frozen: signal ada.');
    const { decision } = sampleOf('readmit.decision.recorded').data as { decision: { statement: { reason: string } } };
    expect(sentence('readmit.decision.recorded', {}, { words })).toContain(decision.statement.reason);
    expect(happened(factOf('readmit.decision.recorded'))).not.toContain(decision.statement.reason);
  });

  it('R7.1 says who denied, froze, contained and ended, and why', () => {
    const { decision } = sampleOf('readmit.decision.recorded').data as { decision: { statement: object } };
    const denied = { ...decision, statement: { ...decision.statement, decision: 'deny', reason: 'wrong person' } };
    expect(sentence('readmit.decision.recorded', { decision: denied }, { words: {} })).toBe(
      'Request denied by chidi (software-key): wrong person.',
    );
    expect(sentence('readmit.case.frozen', { by: 'repudiation-code' })).toBe('Case frozen: repudiated with the code of a notice.');
    expect(sentence('readmit.case.frozen', { by: 'boris', cause: 'reported' })).toBe(
      'Case frozen: reported by boris as not asked for by the subject.',
    );
    const undo = { kind: 'role.revoke', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' } as const;
    expect(sentence('readmit.revocation.due', { cause: 'containment', by: 'gita' }, { undo })).toBe(
      'Revocation due: contained by gita: role.revoke app_admin for erin at target-postgres.',
    );
    expect(
      sentence('readmit.revocation.confirmed', { how: 'still-held', heldBy: { caseId, obligationId: 'o' }, sessionsEnded: 2 }, { undo }),
    ).toBe(
      `Revocation confirmed: another case still holds it (${caseId}): role.revoke app_admin for erin at target-postgres; 2 sessions ended.`,
    );
  });
});
