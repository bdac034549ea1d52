import { isSameHold } from '../kernel/same-hold.js';
import { plusSeconds } from '../kernel/time.js';
import { deliverySeconds, type CaseLog, type Logged } from './case-log.js';
import { answersTo, askedBefore, undoOf } from './obligation-rules.js';

/** The case that a discharge as `still-held` rests on, if it rests on one. */
function heldByOf(
  log: CaseLog,
  discharged: Logged<'readmit.obligation.discharged'>,
): { readonly caseId: string; readonly obligationId: string } | undefined {
  if (discharged.fact.data.how !== 'still-held') return undefined;
  const due = askedBefore(log, discharged);
  return due && answersTo(log, due).find(({ fact }) => fact.data.how === 'still-held')?.fact.data.heldBy;
}

/**
 * Why it is not proved that another case still held the thing when the obligation was discharged for that, or undefined. Whoever is said to
 * hold it must have begun, hold the same, and have had its own obligation open then: at its end the thing goes (R6.5).
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
    return `nothing that ${about} would take back was in place then.`;
  const own = undoOf(log, data.obligationId);
  const theirs = undoOf(other, heldBy.obligationId);
  if (own && theirs && !isSameHold(own, theirs)) return `${about} lets go of something else.`;
  const over = other
    .of('readmit.obligation.discharged')
    .filter(({ fact }) => fact.data.obligationId === heldBy.obligationId && fact.at <= at)
    .at(-1)?.fact;
  const reopened =
    over &&
    other
      .of('readmit.revocation.due')
      .some(({ fact }) => fact.data.obligationId === heldBy.obligationId && fact.at > over.at && fact.at <= at);
  // Two that let go at the same moment may not have known; one that let go because the other held it must not hold it up.
  if (over && !reopened && (over.data.how === 'still-held' || plusSeconds(over.at, deliverySeconds) <= new Date(at)))
    return `${about} had ended at ${over.at}.`;
  return undefined;
}
