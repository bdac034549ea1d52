import type { Draft, EndCause, EventData, FactOf, ServiceName } from '@readmit/contracts';
import { isSameHold } from '../kernel/same-hold.js';
import { draft, type Reaction } from '../kernel/behaviour.js';
import { earliest, instant, plusSeconds, reached } from '../kernel/time.js';
import { binds, isOpen, obligationsOf, type Obligation } from './obligations.js';
import type { SchedulerContext, SchedulerFacts } from './scheduler.facts.js';

/** How long an undo may take after it was due before it is called overdue (and a stronger measure is somebody's duty). */
export const graceSeconds = 60;
/** An answer that proves nothing is asked again no sooner than this, twice as long after each time, at most so long. */
const askAgainSeconds = { first: 30, max: 900 };

/** What the scheduler concludes of a case: records, says due, says overdue, discharges. */
export function schedulerReact(facts: SchedulerFacts, context: SchedulerContext): Reaction {
  if (context.key.startsWith('deadline:')) return deadlineReact(facts, context);
  const emit: Draft[] = [];
  let wakeAt: Date | null = null;
  for (const obligation of obligationsOf(facts, context.now)) {
    if (!obligation.recorded)
      emit.push(
        draft('readmit.obligation.recorded', context.key, {
          caseId: context.key,
          obligationId: obligation.id,
          grantId: obligation.grantId,
          undo: obligation.undo,
          hardBound: instant(obligation.hardBound),
        }),
      );
    const next = nextOf(obligation, facts, context);
    if ('emit' in next) emit.push(next.emit);
    else wakeAt = earliest(wakeAt, next.wakeAt);
  }
  return { emit, wakeAt };
}

type Next = { readonly emit: Draft } | { readonly wakeAt: Date | null };
const idle: Next = { wakeAt: null };

/** What comes next of one obligation. Only the answer to the latest due ends it (R6.3); whatever was said before a due proves nothing. */
function nextOf(obligation: Obligation, facts: SchedulerFacts, context: SchedulerContext): Next {
  const { latestQuestion, answer, discharged } = obligation;
  const due = (cause: EndCause): Next => ({ emit: dueDraft(obligation, cause, facts, context.key) });
  const discharge = (how: EventData<'readmit.obligation.discharged'>['how']): Next => ({
    emit: draft('readmit.obligation.discharged', context.key, {
      caseId: context.key,
      obligationId: obligation.id,
      kind: obligation.undo.kind,
      how,
    }),
  });

  // Containment and a freeze ask once more for what was answered or discharged before: the target is read again (R6.6, R5.4).
  const order = answer || discharged ? orderOf(obligation, facts) : undefined;
  if (order) return due(order);
  if (discharged) return idle;
  if (!latestQuestion) {
    const { cause } = obligation;
    if (obligation.takenOver && cause !== 'containment' && cause !== 'frozen') return discharge('taken-over');
    if (obligation.neverBegan) return discharge('never-began');
    if (cause) return due(cause);
    if (obligation.undo.armedBy === 'repudiation') return idle;
    const at = obligation.dueAt ?? obligation.hardBound;
    // Past it, only an answer of execution moves this on.
    return { wakeAt: reached(at, context.now) ? null : at };
  }
  if (answer) {
    if (proves(obligation, answer, facts, context)) return discharge(answer.data.how);
    const unproved = obligation.questions.filter(({ data }) => data.cause === 'not-proved').length;
    const again = plusSeconds(answer.at, Math.min(askAgainSeconds.first * 2 ** Math.min(unproved, 10), askAgainSeconds.max));
    return reached(again, context.now) ? due('not-proved') : overdueOr({ wakeAt: again }, obligation, facts, context);
  }
  // A release of execution that does not say what it answers may take the question for answered: asked once more, another one does it again.
  const unknown = obligation.unlinkedAnswers.some((fact) => fact.at > latestQuestion.at);
  if (unknown && !obligation.questions.some(({ data }) => data.cause === 'not-proved')) return due('not-proved');
  return overdueOr(idle, obligation, facts, context);
}

/** Overdue counts from the first question that was not answered with a proof, however often it was asked again since. */
function overdueOr(otherwise: Next, obligation: Obligation, facts: SchedulerFacts, context: SchedulerContext): Next {
  const since = obligation.questions.findLast(({ data }) => data.cause !== 'not-proved') ?? obligation.questions[0];
  if (!since) return otherwise;
  const alreadyReported = facts
    .of('readmit.revocation.overdue')
    .some(({ data }) => data.obligationId === obligation.id && data.dueSince === since.at);
  if (alreadyReported) return otherwise;
  const late = plusSeconds(since.at, graceSeconds);
  if (reached(late, context.now))
    return {
      emit: draft('readmit.revocation.overdue', context.key, { caseId: context.key, obligationId: obligation.id, dueSince: since.at }),
    };
  return { wakeAt: earliest(late, 'wakeAt' in otherwise ? otherwise.wakeAt : null) };
}

/** The containment or freeze that nobody was asked about yet for this obligation, if there is one: each asks once. */
function orderOf({ undo, questions }: Obligation, facts: SchedulerFacts): EndCause | undefined {
  if (!binds(facts, undo)) return undefined;
  const asked = (cause: EndCause): number => questions.filter(({ data }) => data.cause === cause).length;
  if (asked('containment') < facts.of('readmit.containment.ordered').length) return 'containment';
  if (asked('frozen') < facts.of('readmit.case.frozen').length) return 'frozen';
  return undefined;
}

function dueDraft({ id, undo }: Obligation, cause: EndCause, facts: SchedulerFacts, key: string): Draft {
  const order = cause === 'containment' ? facts.last('readmit.containment.ordered') : undefined;
  return draft('readmit.revocation.due', key, {
    caseId: key,
    obligationId: id,
    cause,
    ...(order ? { by: order.data.by } : {}),
    ...(order?.data.reasonDigest === undefined ? {} : { reasonDigest: order.data.reasonDigest }),
    ...(undo.hold === undefined ? {} : { hold: undo.hold }),
  });
}

/**
 * Whether the answer says that nothing is left: read back, never begun, or held for another case whose own obligation is open now, at whose
 * end it goes (R6.5). The other case is there in the transaction in which the answer arrives; whatever cannot be seen proves nothing.
 */
function proves(
  obligation: Obligation,
  { data }: FactOf<'readmit.revocation.confirmed'>,
  facts: SchedulerFacts,
  context: SchedulerContext,
): boolean {
  switch (data.how) {
    case 'undone':
      return true;
    case 'never-began':
      // Not against what execution itself said of the restoration.
      return !(
        facts.has('readmit.execution.succeeded') || facts.of('readmit.execution.failed').some(({ data: { effect } }) => effect !== 'none')
      );
    case 'still-held':
      return data.heldBy !== undefined && data.heldBy.caseId !== obligation.caseId && isHeldBy(data.heldBy, obligation, context);
  }
}
function isHeldBy(
  { caseId, obligationId }: { caseId: string; obligationId: string },
  { undo }: Obligation,
  context: SchedulerContext,
): boolean {
  const facts = context.other(caseId);
  // What never began, or may not have, is not taken back by its undo.
  if (!facts.has('readmit.execution.started') || facts.has('readmit.execution.failed')) return false;
  const other = obligationsOf(facts, context.now).find(({ id }) => id === obligationId);
  return other !== undefined && isOpen(other) && isSameHold(other.undo, undo);
}
function deadlineReact(facts: SchedulerFacts, context: SchedulerContext): Reaction {
  const [, owner, ...rest] = context.key.split(':');
  const key = rest.join(':');
  const latest = facts.all.findLast((fact) => fact.type.endsWith('.deadline-set')) as FactOf<'readmit.approval.deadline-set'> | undefined;
  const deadline = latest?.data.deadline;
  const reminders = facts.of('readmit.deadline.reached');
  // By id: the clock of the owner may be behind the one of the scheduler, and then it asks again before it was told.
  const answers = ({ at, data }: FactOf<'readmit.deadline.reached'>): boolean =>
    data.setEventId === undefined ? latest !== undefined && at >= latest.at : data.setEventId === latest?.id;
  if (!latest || !deadline || reminders.some(answers)) return { emit: [], wakeAt: null };
  const before = reminders.filter(({ data }) => data.deadline === deadline);
  const last = before.at(-1);
  const wakeAt = last ? plusSeconds(last.at, Math.min(2 ** (before.length - 1), longestPauseSeconds)) : new Date(deadline);
  if (!reached(wakeAt, context.now)) return { emit: [], wakeAt };
  return {
    emit: [draft('readmit.deadline.reached', context.key, { key, owner: owner as ServiceName, deadline, setEventId: latest.id })],
  };
}

/** An owner that is told of a deadline too early asks again at once; until the clocks agree it is told again after 1, 2, 4 s and so on, up to this. */
const longestPauseSeconds = 60;
