/** Planted cases for detection rules: events as services publish them, each of a genuine case with one change, which the case id names. */
import type { Draft, EventData, EventType } from '@readmit/contracts';
import { sampleFor } from '@readmit/testing';
import type { TimedDraft } from '../../apps/audit/test/running-audit.js';
import { asked, confirmed, crypto, decision, discharged, genuine, plan, seconds, undo } from '../../libs/domain/test/genuine-case.js';

const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;
/** The cases started half an hour ago and should have ended a minute later: one that has not ended is late. */
const startedAt = Date.now() - hour / 2;
export const ago = (ms: number): Date => new Date(Date.now() - ms);

export const timed = <T extends EventType>(type: T, key: string, data: EventData<T>, at = new Date()): TimedDraft => ({
  ...({ type, key, data } as Draft),
  at,
});
export const opened = (caseId: string, subject: string, at = new Date()): TimedDraft => ({
  ...sampleFor('readmit.case.opened', caseId, {
    asks: [{ id: 'ask_1', kind: 'factor.bypass', connector: 'demo-idp', object: subject }],
    subject: { kind: 'person', id: subject },
    requester: { kind: 'person', id: 'boris' },
  }),
  at,
});
export const closed = (caseId: string, outcome: EventData<'readmit.case.closed'>['outcome'], at: Date): TimedDraft =>
  timed('readmit.case.closed', caseId, { caseId, outcome }, at);
export const refused = (key: string, actor: string, rule: string, reason: string, at = new Date()): TimedDraft =>
  timed('readmit.approval.refused', key, { key, command: 'decide', rule, reason, actor, says: 'Somebody else must.' }, at);
export const shown = (caseId: string, by: string, at: Date): TimedDraft =>
  timed('readmit.contact.shown', caseId, { caseId, by, contact: '1'.repeat(64) }, at);

const overdue = (caseId: string): TimedDraft =>
  timed('readmit.revocation.overdue', caseId, { caseId, obligationId: `${undo.id}_${caseId}`, dueSince: seconds(67) });

interface Life {
  readonly requester?: string;
  readonly approvers?: readonly string[];
  readonly ends?: EventData<'readmit.revocation.due'>['cause'] | 'never';
}
/**
 * The genuine case of erin, who gets a role back for a minute, with another id and possibly another requester or other approvers. The signatures
 * of approvers are real, so that audit accepts them.
 */
function life(caseId: string, { requester = 'erin', approvers = ['chidi', 'dana'], ends = 'expiry' }: Life = {}): TimedDraft[] {
  const own = (id: string): string => `${id}_${caseId}`;
  const obligation = { ...undo, id: own(undo.id) };
  const ownPlan = { ...plan, caseId, obligations: [obligation], classificationId: own('event_classified') };
  const planDigest = crypto.digest(ownPlan);
  const at = (instant: string): Date => new Date(startedAt + Date.parse(instant) - Date.parse(seconds(0)));
  const changes: Partial<Record<EventType, object>> = {
    'readmit.case.opened': { requester: { kind: 'person', id: requester } },
    'readmit.plan.proposed': { plan: ownPlan, digest: planDigest },
    'readmit.approval.granted': {
      attestationId: own('event_attested'),
      obligations: [obligation],
      goodUntil: at(seconds(600)).toISOString(),
      decisions: approvers.map((approver) => decision(approver, { caseId, planDigest, decidedAt: at(seconds(4)).toISOString() })),
    },
    'readmit.obligation.recorded': { undo: obligation, hardBound: at(seconds(660)).toISOString() },
    'readmit.execution.started': { endsAt: at(seconds(67)).toISOString() },
    'readmit.revocation.confirmed': { answers: own('event_due') },
    'readmit.evidence.added': { collectedAt: at(seconds(3)).toISOString(), staleAt: at(seconds(900)).toISOString() },
    'readmit.people.attested': { directory: { digest: '0'.repeat(64), issuedAt: at(seconds(0)).toISOString(), ageSeconds: 1 } },
  };
  return [...genuine, ...(ends === 'never' ? [] : [asked(67, ends), confirmed(68), discharged(69)])].map(
    ({ id, type, at: instant, data }) => ({
      ...({
        type,
        key: caseId,
        data: {
          ...data,
          caseId,
          ...('planDigest' in data ? { planDigest } : {}),
          ...('obligationId' in data ? { obligationId: obligation.id } : {}),
          ...changes[type],
        },
      } as Draft),
      id: own(id),
      at: at(instant),
    }),
  );
}

/** Events of each case in order; the first events of all cases are published together, then the second ones, and so on. */
export const lives: readonly (readonly TimedDraft[])[] = [
  life('in_order'),
  life('ended_early', { ends: 'ended-by-person' }),
  life('contained', { ends: 'containment' }),
  // Approval would never count these decisions: somebody else signed the events with its key.
  life('own_request', { requester: 'chidi' }),
  life('half_a_quorum', { approvers: ['chidi'] }),
  // Late and reported by the scheduler; late and not reported.
  [...life('late', { ends: 'never' }), overdue('late')],
  life('silent', { ends: 'never' }),
  [
    opened('stopped', 'ada'),
    timed('readmit.execution.failed', 'stopped', {
      caseId: 'stopped',
      executionId: 'execution_1',
      effect: 'none',
      rule: 'R4.2',
      reason: 'approver-is-subject',
      says: 'The subject cannot approve their own recovery. Another quorum member must.',
    }),
  ],
  [
    opened('unreachable', 'ada'),
    timed('readmit.execution.failed', 'unreachable', {
      caseId: 'unreachable',
      executionId: 'execution_1',
      effect: 'none',
      rule: 'R5.5',
      reason: 'target-refused',
      says: 'The target refused.',
    }),
  ],
];
