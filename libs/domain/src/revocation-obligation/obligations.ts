import type { EndCause, FactOf, Undo } from '@readmit/contracts';
import { attestedOf } from '../decision-proof/attested.js';
import type { Facts } from '../kernel/facts.js';
import { answerOf, dischargeOf, questionsAbout } from '../kernel/questions.js';
import { undoTable } from '../kernel/restorations.js';
import { plusSeconds, reached } from '../kernel/time.js';

type Question = FactOf<'readmit.revocation.due'>;
type Confirmed = FactOf<'readmit.revocation.confirmed'>;

/** What tells how far the obligations of a case are: the scheduler has it, and so has intake, which shows it. */
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
  /** When it must be undone by its clock; null: not armed (the old secret until the new one is in place; what repudiation alone arms). */
  readonly dueAt: Date | null;
  /** Why it would be due right now, if it was not said before. */
  readonly cause: EndCause | null;
  /** Every time that it was said due, earliest first. It is open while the latest has no answer. */
  readonly questions: readonly Question[];
  readonly latestQuestion: Question | undefined;
  /** What execution answered to the latest due. */
  readonly answer: Confirmed | undefined;
  /** Confirmations that say not what they answer: of a release of execution that did not know questions. They prove nothing. */
  readonly unlinkedAnswers: readonly Confirmed[];
  /** Since the latest due; without a due, ever. */
  readonly discharged: FactOf<'readmit.obligation.discharged'> | undefined;
  readonly takenOver: boolean;
  readonly neverBegan: boolean;
}

/** Whether something of it may still be at the target: it was recorded, and its end is not on record. */
export const isOpen = ({ recorded, discharged }: Obligation): boolean => recorded && !discharged;

/** How far an obligation is, for people. It is overdue from the first question on that had no proof, however often it was asked again. */
export function obligationState(
  { id, discharged, latestQuestion, questions, dueAt }: Obligation,
  facts: ObligationFacts,
): 'recorded' | 'armed' | 'due' | 'overdue' | 'discharged' {
  if (discharged) return 'discharged';
  if (!latestQuestion) return dueAt ? 'armed' : 'recorded';
  const first = questions.findLast(({ data }) => data.cause !== 'not-proved') ?? latestQuestion;
  const late = facts.of('readmit.revocation.overdue').some(({ data }) => data.obligationId === id && data.dueSince === first.at);
  return late ? 'overdue' : 'due';
}

/** Everything that the case must undo, and how far that is. A function of the set of facts and the clock. */
export function obligationsOf(facts: ObligationFacts, now: Date): readonly Obligation[] {
  return recordedOrGranted(facts).map((one) => {
    const { undo, hardBound, caseId } = one;
    const questions = questionsAbout(facts, undo.id);
    const latestQuestion = questions.at(-1);
    return {
      ...one,
      id: undo.id,
      ...endOf(facts, undo, hardBound, now),
      questions,
      latestQuestion,
      answer: latestQuestion && answerOf(facts, latestQuestion),
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

/** What was recorded stays as it was recorded; a further grant of the case can only add to it, never replace it. */
function recordedOrGranted(facts: ObligationFacts): readonly Pick<Obligation, 'undo' | 'hardBound' | 'grantId' | 'recorded' | 'caseId'>[] {
  const byId = new Map<string, Pick<Obligation, 'undo' | 'hardBound' | 'grantId' | 'recorded' | 'caseId'>>();
  for (const { data } of facts.of('readmit.obligation.recorded'))
    byId.set(data.obligationId, {
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
          caseId: data.caseId,
          undo,
          hardBound: plusSeconds(data.goodUntil, undo.afterSeconds),
          grantId: data.grantId,
          recorded: false,
        });
  return [...byId.values()];
}

/** The end is the earliest of what may end a grant: its clock, a person, use, freeze, containment, a failed or missing execution (R6.2, R6.4). */
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
/** A new factor at the account itself: one at another target leaves the way in here open. */
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

/** What success arms binds nobody before it: the old secret stays when the new one never came. */
export const binds = (facts: ObligationFacts, undo: Undo): boolean =>
  undo.armedBy !== 'success' || facts.has('readmit.execution.succeeded');

function everyConsumerConfirmed(facts: ObligationFacts): boolean {
  const consumers = attestedOf(facts)?.consumers ?? [];
  const confirmed = new Set(facts.of('readmit.consumer.confirmed').map((fact) => fact.data.consumer));
  return consumers.length > 0 && consumers.every((consumer) => confirmed.has(consumer.id));
}
