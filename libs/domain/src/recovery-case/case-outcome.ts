import type { CaseState, EventData } from '@readmit/contracts';
import { memoizeByFacts } from '../kernel/facts.js';
import { answerOf, dischargeOf, latestQuestion } from '../kernel/questions.js';
import { isStopped } from '../kernel/stops.js';
import type { IntakeFacts } from './intake.facts.js';

export type Outcome = EventData<'readmit.case.closed'>['outcome'];

/** How a case went, once nothing of it is open any more; undefined while something is. What is closed stays as it was closed. */
export const outcomeOf = memoizeByFacts((facts: IntakeFacts): Outcome | undefined => {
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

/**
 * Ids of what the case must still undo. Of every grant and every record: a further grant cannot make the case forget what it owes. What
 * is armed by repudiation is owed only once it was said due: until then it may never be, and keeps no case open.
 */
export const openObligations = memoizeByFacts((facts: IntakeFacts): readonly string[] => {
  const owed = new Map<string, boolean>();
  for (const { data } of facts.of('readmit.approval.granted'))
    for (const undo of data.obligations) owed.set(undo.id, undo.armedBy === 'repudiation');
  for (const { data } of facts.of('readmit.obligation.recorded')) owed.set(data.obligationId, data.undo.armedBy === 'repudiation');
  return [...owed].filter(([id, waits]) => isOpen(facts, id, waits)).map(([id]) => id);
});

/** Whether the scheduler said of something that is still open that it is late. What was discharged since and is asked for anew is not late yet. */
export const isOverdue = (facts: IntakeFacts): boolean =>
  facts.of('readmit.revocation.overdue').some(({ at, data: { obligationId } }) => {
    const since = facts.of('readmit.obligation.discharged').some((one) => one.data.obligationId === obligationId && one.at > at);
    return !since && openObligations(facts).includes(obligationId);
  });

/** Asked again, it is open until the latest question was answered: by what the scheduler concludes, or by the answer that it will conclude from. */
function isOpen(facts: IntakeFacts, id: string, waitsForRepudiation: boolean): boolean {
  if (dischargeOf(facts, id)) return false;
  const due = latestQuestion(facts, id);
  if (!due) return !waitsForRepudiation;
  const before = facts.of('readmit.obligation.discharged').some(({ data }) => data.obligationId === id);
  const answer = answerOf(facts, due);
  // What is still held is the scheduler's to judge.
  return !(before && answer && answer.data.how !== 'still-held');
}

/** Where a case stands, for people: a function of the set of facts, the same for any order of arrival. */
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
