import type { Draft, EndCause, EventData, FactOf, ServiceName, Undo } from '@readmit/contracts';
import { refusal, say, type Command, type Context, type Reaction } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { earliest, instant, plusSeconds, reached } from '../kernel/time.js';

/** How long an undo may take after it was due before it is called overdue (and a stronger measure is somebody's duty). */
export const graceSeconds = 60;

export interface Obligation {
  readonly id: string;
  readonly undo: Undo;
  readonly hardBound: Date;
  readonly grantId: string;
  readonly recorded: boolean;
  /** When it must be undone; null: not armed (the old secret, until the new one is in place). */
  readonly dueAt: Date | null;
  /** Why it is due right now, if it is. */
  readonly cause: EndCause | null;
  readonly dueSaid: FactOf<'readmit.revocation.due'> | undefined;
  readonly confirmed: FactOf<'readmit.revocation.confirmed'> | undefined;
  readonly discharged: FactOf<'readmit.obligation.discharged'> | undefined;
  readonly takenOver: boolean;
  readonly neverBegan: boolean;
}

/** Everything that the case must undo, and how far that is. A function of the set of facts and the clock. */
export function obligationsOf(facts: Facts, now: Date): readonly Obligation[] {
  return wanted(facts).map(({ undo, hardBound, grantId, recorded }) => {
    const { dueAt, cause } = due(facts, undo, hardBound, now);
    return {
      id: undo.id,
      undo,
      hardBound,
      grantId,
      recorded,
      dueAt,
      cause,
      dueSaid: facts.of('readmit.revocation.due').find((fact) => fact.data.obligationId === undo.id),
      confirmed: facts.of('readmit.revocation.confirmed').find((fact) => fact.data.obligationId === undo.id),
      discharged: facts.of('readmit.obligation.discharged').find((fact) => fact.data.obligationId === undo.id),
      takenOver: undo.unlessTakenOver && everyConsumerConfirmed(facts),
      neverBegan:
        undo.armedBy === 'success' &&
        !facts.has('readmit.execution.succeeded') &&
        (facts.has('readmit.execution.failed') || (!facts.has('readmit.execution.started') && reached(hardBound, now))),
    };
  });
}

/** What was recorded stays as it was recorded; a further grant of the case can only add to it, never replace it. */
function wanted(facts: Facts): readonly Pick<Obligation, 'undo' | 'hardBound' | 'grantId' | 'recorded'>[] {
  const byId = new Map<string, Pick<Obligation, 'undo' | 'hardBound' | 'grantId' | 'recorded'>>();
  for (const { data } of facts.of('readmit.obligation.recorded'))
    byId.set(data.obligationId, { undo: data.undo, hardBound: new Date(data.hardBound), grantId: data.grantId, recorded: true });
  for (const { data } of facts.of('readmit.approval.granted'))
    for (const undo of data.obligations)
      if (!byId.has(undo.id))
        byId.set(undo.id, { undo, hardBound: plusSeconds(data.goodUntil, undo.afterSeconds), grantId: data.grantId, recorded: false });
  return [...byId.values()];
}

/** The end is the earliest of what may end a grant: its clock, a person, use, freeze, containment, a failed or missing execution (R6.2, R6.4). */
function due(facts: Facts, undo: Undo, hardBound: Date, now: Date): { dueAt: Date | null; cause: EndCause | null } {
  const started = facts.first('readmit.execution.started');
  const succeeded = facts.first('readmit.execution.succeeded');
  const clock =
    undo.armedBy === 'success'
      ? succeeded
        ? plusSeconds(succeeded.at, undo.afterSeconds)
        : null
      : started
        ? least(plusSeconds(started.at, undo.afterSeconds), hardBound)
        : hardBound;
  if (undo.armedBy === 'success' && !succeeded) return { dueAt: null, cause: null };
  if (facts.has('readmit.containment.ordered')) return { dueAt: clock, cause: 'containment' };
  if (facts.has('readmit.case.frozen')) return { dueAt: clock, cause: 'frozen' };
  if (facts.has('readmit.execution.failed') && !succeeded) return { dueAt: clock, cause: 'execution-failed' };
  if (undo.kind === 'bypass.close' && facts.has('readmit.enrolment.confirmed')) return { dueAt: clock, cause: 'used' };
  if (undo.kind === 'secret.destroy' && undo.armedBy === 'success' && everyConsumerConfirmed(facts))
    return { dueAt: clock, cause: 'taken-over' };
  if (clock && reached(clock, now)) return { dueAt: clock, cause: started ? 'expiry' : 'execution-missing' };
  return { dueAt: clock, cause: null };
}
const least = (a: Date, b: Date): Date => (a < b ? a : b);

function everyConsumerConfirmed(facts: Facts): boolean {
  const consumers = facts.last('readmit.people.attested')?.data.consumers ?? [];
  const confirmed = new Set(facts.of('readmit.consumer.confirmed').map((fact) => fact.data.consumer));
  return consumers.length > 0 && consumers.every((consumer) => confirmed.has(consumer.id));
}

/** What the scheduler concludes of a case: records, says due, says overdue, discharges. */
export function schedulerReact(facts: Facts, context: Context): Reaction {
  if (context.key.startsWith('deadline:')) return deadlineReact(facts, context);
  const emit: Draft[] = [];
  let wakeAt: Date | null = null;
  for (const obligation of obligationsOf(facts, context.now)) {
    const about = { caseId: context.key, obligationId: obligation.id };
    if (!obligation.recorded)
      emit.push(
        say('readmit.obligation.recorded', context.key, {
          ...about,
          grantId: obligation.grantId,
          undo: obligation.undo,
          hardBound: instant(obligation.hardBound),
        }),
      );
    if (obligation.discharged) continue;
    const discharge = (how: EventData<'readmit.obligation.discharged'>['how']): number =>
      emit.push(say('readmit.obligation.discharged', context.key, { ...about, kind: obligation.undo.kind, how }));
    if (obligation.confirmed) discharge(obligation.confirmed.data.how);
    else if (obligation.dueSaid) {
      const late = plusSeconds(obligation.dueSaid.at, graceSeconds);
      const said = facts.of('readmit.revocation.overdue').some((fact) => fact.data.obligationId === obligation.id);
      if (!said && reached(late, context.now))
        emit.push(say('readmit.revocation.overdue', context.key, { ...about, dueSince: obligation.dueSaid.at }));
      else if (!said) wakeAt = earliest(wakeAt, late);
    } else if (obligation.takenOver && obligation.cause !== 'containment' && obligation.cause !== 'frozen') discharge('taken-over');
    else if (obligation.neverBegan) discharge('never-began');
    else if (obligation.cause) emit.push(say('readmit.revocation.due', context.key, { ...about, cause: obligation.cause }));
    else {
      const next = obligation.dueAt ?? obligation.hardBound;
      // Past it, only an answer of execution moves this on.
      if (!reached(next, context.now)) wakeAt = earliest(wakeAt, next);
    }
  }
  return { emit, wakeAt };
}

/** Aggregate of one deadline of one service: the owner decides by its own clock, this only nudges (DESIGN 2). */
export const deadlineKey = (owner: ServiceName, key: string): string => `deadline:${owner}:${key}`;

function deadlineReact(facts: Facts, context: Context): Reaction {
  const [, owner, ...rest] = context.key.split(':');
  const key = rest.join(':');
  const latest = facts.all.findLast((fact) => fact.type.endsWith('.deadline-set')) as FactOf<'readmit.approval.deadline-set'> | undefined;
  const deadline = latest?.data.deadline;
  if (!latest || !deadline || facts.of('readmit.deadline.reached').some((fact) => fact.at >= latest.at)) return { emit: [], wakeAt: null };
  if (!reached(deadline, context.now)) return { emit: [], wakeAt: new Date(deadline) };
  return { emit: [say('readmit.deadline.reached', context.key, { key, owner: owner as ServiceName, deadline })] };
}

/** A person ends every grant of the case now (R6.4): anybody who is signed in may take power away; a case key may end its own case. */
export const endEarly =
  (by: string): Command<Record<never, never>> =>
  (facts, context) => {
    const open = obligationsOf(facts, context.now).filter((obligation) => !obligation.discharged);
    if (!facts.has('readmit.approval.granted'))
      return refusal(
        'conflict',
        'R6.4',
        'nothing-granted',
        'Nothing is granted yet (or this service has not heard of it). Before that a request is withdrawn, not ended.',
      );
    if (open.length === 0) return refusal('conflict', 'R6.4', 'already-ended', 'Everything that was granted has been taken back already.');
    const emit = open
      .filter((obligation) => !obligation.dueSaid && (obligation.undo.armedBy === 'start' || obligation.dueAt !== null))
      .map((obligation) =>
        say('readmit.revocation.due', context.key, { caseId: context.key, obligationId: obligation.id, cause: 'ended-by-person', by }),
      );
    return { emit, reply: {} };
  };

/** An operator stops the case at any stage; remembered even when the case is not known here yet, and never waits for a quorum (R6.6). */
export const contain =
  (by: string): Command<Record<never, never>> =>
  (facts, context) =>
    facts.has('readmit.containment.ordered')
      ? { emit: [], reply: {} }
      : { emit: [say('readmit.containment.ordered', context.key, { caseId: context.key, by })], reply: {} };
