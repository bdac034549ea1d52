/**
 * RevocationDue is a question by the scheduler. Execution answers it by id (RevocationConfirmed), and the scheduler decides
 * whether the obligation is discharged (R6.3). A later question replaces an earlier one.
 */
import type { FactOf } from '@readmit/contracts';
import { isEarlier, type Facts } from './facts.js';

type Question = FactOf<'readmit.revocation.due'>;
type Confirmed = FactOf<'readmit.revocation.confirmed'>;
type Discharged = FactOf<'readmit.obligation.discharged'>;

/** Every question about the obligation, earliest first. */
export const questionsAbout = (facts: Facts<'readmit.revocation.due'>, obligationId: string): readonly Question[] =>
  facts.of('readmit.revocation.due').filter(({ data }) => data.obligationId === obligationId);

/** The latest question about the obligation. Its answer also answers the earlier ones. */
export const latestQuestion = (facts: Facts<'readmit.revocation.due'>, obligationId: string): Question | undefined =>
  questionsAbout(facts, obligationId).at(-1);

/** Whether it answers the question. A confirmation of another case does not, whatever question it names. */
const answers = ({ data }: Confirmed, due: Question): boolean =>
  data.answers === due.id && data.obligationId === due.data.obligationId && data.caseId === due.data.caseId;

/** The first answer of execution to the question. */
export const answerOf = (facts: Facts<'readmit.revocation.confirmed'>, due: Question): Confirmed | undefined =>
  facts.of('readmit.revocation.confirmed').find((confirmed) => answers(confirmed, due));
/** Whether execution has answered the question, whatever the answer. */
export const isAnswered = (facts: Facts<'readmit.revocation.confirmed'>, due: Question): boolean => answerOf(facts, due) !== undefined;

/** The latest question about each obligation, if it is unanswered. One pass: a hold has the questions of every case that ever held it. */
export function openQuestions(facts: Facts<'readmit.revocation.due' | 'readmit.revocation.confirmed'>): readonly Question[] {
  const latest = new Map(facts.of('readmit.revocation.due').map((due) => [due.data.obligationId, due]));
  const answered = Map.groupBy(facts.of('readmit.revocation.confirmed'), ({ data }) => data.answers);
  return [...latest.values()].filter((due) => !answered.get(due.id)?.some((confirmed) => answers(confirmed, due)));
}

/** The last discharge of the obligation, unless the scheduler has asked again since. */
export function dischargeOf(
  facts: Facts<'readmit.revocation.due' | 'readmit.obligation.discharged'>,
  obligationId: string,
): Discharged | undefined {
  const due = latestQuestion(facts, obligationId);
  const last = facts.of('readmit.obligation.discharged').findLast(({ data }) => data.obligationId === obligationId);
  // Comparable: the scheduler emits both.
  return last && due && !isEarlier(due, last) ? undefined : last;
}
