import type { EndCause, FactOf, Undo } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import { memoizeByFacts, type Facts } from '../kernel/facts.js';
import { answerOf, dischargeOf, latestQuestion, questionsAbout } from '../kernel/questions.js';
import { undoTable } from '../kernel/restorations.js';
import { plusSeconds, reached } from '../kernel/time.js';

type Question = FactOf<'readmit.revocation.due'>;
type Confirmed = FactOf<'readmit.revocation.confirmed'>;

/** The facts that decide the state of obligations. The scheduler has them, and intake, which shows the state. */
export type ObligationFacts = Facts<
  | 'readmit.people.attested'
  | 'readmit.case.frozen'
  | 'readmit.approval.granted'
  | 'readmit.containment.ordered'
  | 'readmit.execution.started'
  | 'readmit.execution.succeeded'
  | 'readmit.execution.failed'
  | 'readmit.enrolment.confirmed'
  | 'readmit.consumer.confirmed'
  | 'readmit.obligation.recorded'
  | 'readmit.revocation.due'
  | 'readmit.revocation.confirmed'
  | 'readmit.revocation.overdue'
  | 'readmit.obligation.discharged'
>;

export interface Obligation {
  readonly id: string;
  readonly caseId: string;
  readonly undo: Undo;
  readonly hardBound: Date;
  readonly grantId: string;
  readonly recorded: boolean;
  /** When it is due by the clock; null: not armed (an old secret until the new one is in place; what only repudiation arms). */
  readonly dueAt: Date | null;
  /** Why it is due now, whether or not the question was asked; null: it is not. */
  readonly cause: EndCause | null;
  /** Every RevocationDue about it, earliest first. */
  readonly questions: readonly Question[];
  readonly latestQuestion: Question | undefined;
  /** Execution's answer to the latest question. */
  readonly answer: Confirmed | undefined;
  /** Confirmations that name no question, by an older release of execution. They prove nothing. */
  readonly unlinkedAnswers: readonly Confirmed[];
  /** The discharge, unless the question was asked again since. */
  readonly discharged: FactOf<'readmit.obligation.discharged'> | undefined;
  readonly takenOver: boolean;
  readonly neverBegan: boolean;
}

/** Whether something of it may still be at the target: recorded and not discharged. */
export const isOpen = ({ recorded, discharged }: Obligation): boolean => recorded && !discharged;

/** The state of an obligation, for people. Overdue counts from the first question that was not answered with a proof, however often it was repeated. */
export function obligationState(
  { id, discharged, latestQuestion: latest, questions, dueAt }: Obligation,
  facts: ObligationFacts,
): 'recorded' | 'armed' | 'due' | 'overdue' | 'discharged' {
  if (discharged) return 'discharged';
  if (!latest) return dueAt ? 'armed' : 'recorded';
  const first = questions.findLast(({ data }) => data.cause !== 'not-proved') ?? latest;
  const late = facts.of('readmit.revocation.overdue').some(({ data }) => data.obligationId === id && data.dueSince === first.at);
  return late ? 'overdue' : 'due';
}

/**
 * Ids of the obligations that keep a case open; the clock plays no part. Those of every grant and of every record count: a further grant
 * cannot make the case forget what it owes. One that repudiation arms counts from its first question on.
 */
export const openObligations = memoizeByFacts((facts: ObligationFacts): readonly string[] =>
  recordedOrGranted(facts).flatMap(({ id, undo }) => (keepsCaseOpen(facts, id, undo) ? [id] : [])),
);

function keepsCaseOpen(facts: ObligationFacts, id: string, { armedBy }: Undo): boolean {
  if (dischargeOf(facts, id)) return false;
  const question = latestQuestion(facts, id);
  if (!question) return armedBy !== 'repudiation';
  // Asked again after a discharge: over with the answer, unless the scheduler has to judge who still holds it.
  const dischargedBefore = facts.of('readmit.obligation.discharged').some(({ data }) => data.obligationId === id);
  const answer = answerOf(facts, question);
  return !(dischargedBefore && answer && answer.data.how !== 'still-held');
}

/** Whether an obligation that keeps the case open was reported as overdue. A report from before its last discharge no longer counts. */
export const isOverdue = (facts: ObligationFacts): boolean =>
  facts.of('readmit.revocation.overdue').some(({ at, data: { obligationId } }) => {
    const dischargedSince = facts
      .of('readmit.obligation.discharged')
      .some((discharged) => discharged.data.obligationId === obligationId && discharged.at > at);
    return !dischargedSince && openObligations(facts).includes(obligationId);
  });

/** Every obligation of the case with its state: a function of the set of facts and the clock. */
export function obligationsOf(facts: ObligationFacts, now: Date): readonly Obligation[] {
  return recordedOrGranted(facts).map((one) => {
    const { undo, hardBound, caseId } = one;
    const questions = questionsAbout(facts, undo.id);
    const latest = questions.at(-1);
    return {
      ...one,
      id: undo.id,
      ...endOf(facts, undo, hardBound, now),
      questions,
      latestQuestion: latest,
      answer: latest && answerOf(facts, latest),
      unlinkedAnswers: facts
        .of('readmit.revocation.confirmed')
        .filter(({ data }) => data.answers === undefined && data.obligationId === undo.id && data.caseId === caseId),
      discharged: dischargeOf(facts, undo.id),
      takenOver: undo.unlessTakenOver && everyConsumerConfirmed(facts),
      neverBegan:
        undo.armedBy === 'success' &&
        !facts.has('readmit.execution.succeeded') &&
        (facts.has('readmit.execution.failed') || (!facts.has('readmit.execution.started') && reached(hardBound, now))),
    };
  });
}

type Owed = Pick<Obligation, 'id' | 'undo' | 'hardBound' | 'grantId' | 'recorded' | 'caseId'>;
/** A recorded obligation stays as recorded: a further grant can add obligations, never replace one. */
function recordedOrGranted(facts: ObligationFacts): readonly Owed[] {
  const byId = new Map<string, Owed>();
  for (const { data } of facts.of('readmit.obligation.recorded'))
    byId.set(data.obligationId, {
      id: data.obligationId,
      caseId: data.caseId,
      undo: data.undo,
      hardBound: new Date(data.hardBound),
      grantId: data.grantId,
      recorded: true,
    });
  for (const { data } of facts.of('readmit.approval.granted'))
    for (const undo of data.obligations)
      if (!byId.has(undo.id))
        byId.set(undo.id, {
          id: undo.id,
          caseId: data.caseId,
          undo,
          hardBound: plusSeconds(data.goodUntil, undo.afterSeconds),
          grantId: data.grantId,
          recorded: false,
        });
  return [...byId.values()];
}

/** Why and when the undo is due: the earliest of clock, use, take-over, freeze, containment, and a failed or missing execution (R6.2, R6.4). */
function endOf(facts: ObligationFacts, undo: Undo, hardBound: Date, now: Date): { dueAt: Date | null; cause: EndCause | null } {
  const started = facts.first('readmit.execution.started');
  const succeeded = facts.first('readmit.execution.succeeded');
  const clock = clockOf(undo, hardBound, started?.at, succeeded?.at);
  if (!binds(facts, undo)) return { dueAt: null, cause: null };
  if (facts.has('readmit.containment.ordered')) return { dueAt: clock, cause: 'containment' };
  if (facts.has('readmit.case.frozen')) return { dueAt: clock, cause: 'frozen' };
  if (undo.armedBy === 'repudiation') return { dueAt: null, cause: null };
  if (facts.has('readmit.execution.failed') && !succeeded) return { dueAt: clock, cause: 'execution-failed' };
  const { endsOn } = undoTable[undo.kind];
  if (endsOn === 'enrolment' && isEnrolledAt(facts, undo)) return { dueAt: clock, cause: 'used' };
  if (endsOn === 'take-over' && undo.armedBy === 'success' && everyConsumerConfirmed(facts)) return { dueAt: clock, cause: 'taken-over' };
  if (clock && reached(clock, now)) return { dueAt: clock, cause: started ? 'expiry' : 'execution-missing' };
  return { dueAt: clock, cause: null };
}
/** A new factor at this account: one at another target does not replace the bypass here. */
const isEnrolledAt = (facts: ObligationFacts, { connector, object }: Undo): boolean =>
  facts.of('readmit.enrolment.confirmed').some(({ data }) => data.connector === connector && data.object === object);
function clockOf(undo: Undo, hardBound: Date, startedAt: string | undefined, succeededAt: string | undefined): Date | null {
  switch (undo.armedBy) {
    case 'repudiation':
      return null;
    case 'success':
      return succeededAt === undefined ? null : plusSeconds(succeededAt, undo.afterSeconds);
    case 'start':
      return startedAt === undefined ? hardBound : earlierOf(plusSeconds(startedAt, undo.afterSeconds), hardBound);
  }
}
const earlierOf = (a: Date, b: Date): Date => (a < b ? a : b);

/** Whether it is armed as far as success matters: an old secret stays if the new one was never created. */
export const binds = (facts: ObligationFacts, undo: Undo): boolean =>
  undo.armedBy !== 'success' || facts.has('readmit.execution.succeeded');

function everyConsumerConfirmed(facts: ObligationFacts): boolean {
  const consumers = attestedOf(facts)?.consumers ?? [];
  const confirmed = new Set(facts.of('readmit.consumer.confirmed').map((fact) => fact.data.consumer));
  return consumers.length > 0 && consumers.every((consumer) => confirmed.has(consumer.id));
}
