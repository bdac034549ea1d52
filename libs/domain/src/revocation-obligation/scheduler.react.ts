import type { Draft, EndCause, EventData, FactOf, ServiceName } from '@readmit/contracts';
import { isSameHold } from '../kernel/same-hold.js';
import { draft, type Reaction } from '../kernel/behaviour.js';
import { earliest, instant, plusSeconds, reached } from '../kernel/time.js';
import { binds, isOpen, obligationsOf, type Obligation } from './obligations.js';
import type { SchedulerContext, SchedulerFacts } from './scheduler.facts.js';

/** An undo is overdue if it takes longer than this after it was due. */
export const graceSeconds = 60;
/** Pause before asking again after an answer that proves nothing; doubles each time up to the maximum. */
const askAgainSeconds = { first: 30, max: 900 };

/** What follows for the obligations of a case: recorded, due, overdue, discharged. */
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

/** What follows for one obligation. Only the answer to the latest question discharges it (R6.3); earlier confirmations prove nothing. */
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

  // Containment and a freeze ask again about what was already answered or discharged: the target is read again (R6.6, R5.4).
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
    // After that only an answer of execution changes anything.
    return { wakeAt: reached(at, context.now) ? null : at };
  }
  if (answer) {
    if (proves(obligation, answer, facts, context)) return discharge(answer.data.how);
    const unproved = obligation.questions.filter(({ data }) => data.cause === 'not-proved').length;
    const again = plusSeconds(answer.at, Math.min(askAgainSeconds.first * 2 ** Math.min(unproved, 10), askAgainSeconds.max));
    return reached(again, context.now) ? due('not-proved') : overdueOr({ wakeAt: again }, obligation, facts, context);
  }
  // An older release of execution, which names no question, may consider this one answered: asking again makes another process undo it.
  const unknown = obligation.unlinkedAnswers.some((fact) => fact.at > latestQuestion.at);
  if (unknown && !obligation.questions.some(({ data }) => data.cause === 'not-proved')) return due('not-proved');
  return overdueOr(idle, obligation, facts, context);
}

/** Overdue counts from the first question that was not answered with a proof, however often it was repeated. */
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

/** A containment or freeze for which this obligation was not asked about yet. Each asks once. */
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
 * Whether the answer proves that nothing is left: read back, never started, or held by another case whose own obligation is
 * still open and will end it (R6.5). That case is loaded in the transaction in which the answer arrives; if it is not, the
 * answer proves nothing.
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
      // Not if execution itself reported an effect of the restoration.
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
  // A case that did not start, or failed, may not undo it.
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
  // By id: if the owner's clock is behind, it announces the deadline again after the reminder.
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

/** An owner whose clock is behind announces the same deadline again at once; reminders follow after 1, 2, 4 ... seconds up to this. */
const longestPauseSeconds = 60;
