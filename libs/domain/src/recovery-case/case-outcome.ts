import type { CaseState, EventData } from '@readmit/contracts';
import { memoizeByFacts } from '../kernel/facts.js';
import { isStopped } from '../kernel/stops.js';
import { openObligations } from '../revocation-obligation/obligations.js';
import type { IntakeFacts } from './intake.facts.js';

export type CaseOutcome = EventData<'readmit.case.closed'>['outcome'];

/** The outcome of a case; undefined while anything of it is open. A closed case keeps the outcome with which it was closed. */
export const outcomeOf = memoizeByFacts((facts: IntakeFacts): CaseOutcome | undefined => {
  const closed = facts.first('readmit.case.closed');
  if (closed) return closed.data.outcome;
  const stopped = isStopped(facts);
  if (!facts.has('readmit.approval.granted')) {
    if (facts.has('readmit.approval.withdrawn')) return 'withdrawn';
    if (facts.has('readmit.approval.denied')) return 'denied';
    if (facts.has('readmit.approval.expired')) return 'expired';
    if (facts.has('readmit.plan.refused')) return 'failed';
    return stopped ? 'frozen' : undefined;
  }
  const answered = facts.has('readmit.execution.succeeded') || facts.has('readmit.execution.failed');
  if (!answered || openObligations(facts).length > 0) return undefined;
  if (stopped) return 'frozen';
  return facts.has('readmit.execution.succeeded') ? 'completed' : 'failed';
});

/** The state of a case, for people: the same for any order of arrival. */
export function caseState(facts: IntakeFacts): CaseState {
  if (facts.has('readmit.case.closed')) return 'closed';
  const started = facts.has('readmit.execution.started');
  if (started && (facts.has('readmit.revocation.due') || facts.has('readmit.execution.failed'))) return 'ending';
  if (facts.has('readmit.execution.succeeded')) return 'granted';
  if (started) return 'executing';
  if (facts.has('readmit.approval.granted')) return facts.has('readmit.execution.failed') ? 'ending' : 'approved';
  if (outcomeOf(facts)) return 'ending';
  if (facts.has('readmit.approval.requested')) return 'awaiting-approval';
  if (facts.has('readmit.plan.proposed')) return 'planned';
  if (facts.has('readmit.case.classified')) return 'classified';
  return 'opened';
}
