import { isSameHold } from '../kernel/same-hold.js';
import { plusSeconds } from '../kernel/time.js';
import { deliverySeconds, type CaseLog, type Logged } from './case-log.js';
import { answersTo, askedBefore, undoOf } from './obligation-rules.js';

/** The other case that a discharge as `still-held` depends on. */
function heldByOf(
  log: CaseLog,
  discharged: Logged<'readmit.obligation.discharged'>,
): { readonly caseId: string; readonly obligationId: string } | undefined {
  if (discharged.fact.data.how !== 'still-held') return undefined;
  const due = askedBefore(log, discharged);
  return due && answersTo(log, due).find(({ fact }) => fact.data.how === 'still-held')?.fact.data.heldBy;
}

/**
 * Why a discharge as `still-held` is not proved, or undefined. The other case must have started, must hold the same, and its
 * own obligation must have been open then, so that it is undone with that case (R6.5).
 */
export function stillHeldUnproved(
  log: CaseLog,
  discharged: Logged<'readmit.obligation.discharged'>,
  otherOf: (caseId: string) => CaseLog | undefined,
): string | undefined {
  const { at, data } = discharged.fact;
  if (data.how !== 'still-held') return undefined;
  const heldBy = heldByOf(log, discharged);
  if (!heldBy) return 'execution named no other case that holds it.';
  const other = otherOf(heldBy.caseId);
  const about = `the obligation ${heldBy.obligationId} of the case ${heldBy.caseId}`;
  if (heldBy.caseId === data.caseId || !other) return `${about} was not open in the log then.`;
  const by = plusSeconds(at, deliverySeconds);
  const recorded = other.of('readmit.obligation.recorded').find(({ fact }) => fact.data.obligationId === heldBy.obligationId);
  const started = other.of('readmit.execution.started')[0];
  if (!recorded || new Date(recorded.fact.at) > by) return `${about} was not on record then.`;
  if (!started || new Date(started.fact.at) > by || other.of('readmit.execution.failed').some(({ fact }) => fact.at <= at))
    return `nothing that ${about} would undo was in place then.`;
  const own = undoOf(log, data.obligationId);
  const theirs = undoOf(other, heldBy.obligationId);
  if (own && theirs && !isSameHold(own, theirs)) return `${about} is about something else.`;
  const over = other
    .of('readmit.obligation.discharged')
    .filter(({ fact }) => fact.data.obligationId === heldBy.obligationId && fact.at <= at)
    .at(-1)?.fact;
  const reopened =
    over &&
    other
      .of('readmit.revocation.due')
      .some(({ fact }) => fact.data.obligationId === heldBy.obligationId && fact.at > over.at && fact.at <= at);
  // Two cases that end at the same moment may not know of each other; but of two that are both discharged as still held, one is wrong.
  if (over && !reopened && (over.data.how === 'still-held' || plusSeconds(over.at, deliverySeconds) <= new Date(at)))
    return `${about} had ended at ${over.at}.`;
  return undefined;
}
