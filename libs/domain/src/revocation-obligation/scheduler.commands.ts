import { mayEndCase, type WhoEnds } from '../decision-proof/parties.js';
import { refusal, draft, type Command, type CommandRefusal } from '../kernel/behaviour.js';
import { undoTable } from '../kernel/restorations.js';
import { blankReason, type OrderReason } from '../kernel/blank-text.js';
import { binds, obligationsOf, type Obligation } from './obligations.js';
import type { SchedulerEvents, SchedulerFacts } from './scheduler.facts.js';

/** For an unknown case and for a case of somebody else: callers must not be able to tell them apart. */
export const unknownCase = (): CommandRefusal =>
  refusal(
    'not-found',
    'R6.4',
    'case-unknown',
    'There is no such case that you may end, or this service has not received it yet. Check the id.',
  );

/** Nothing to contain: no case, all cases closed, or a wrong id. */
export const nothingOpen = (subject: string): CommandRefusal =>
  refusal(
    'not-found',
    'R6.6',
    'nothing-open',
    `There is no open case of ${subject}. Check the id. Contain a closed case, or one that was just opened, by its case id.`,
  );

/** What an end now would undo, and what it would leave. */
export interface Preview {
  readonly falls: readonly Obligation[];
  readonly stays: readonly Obligation[];
}

/**
 * What is undone when somebody ends the case. For a reissued secret that is the old login, while the new one stays so that the
 * machine keeps a working login. Before the new one is in place, it is undone itself. `contain` undoes both.
 */
export function endPreview(facts: SchedulerFacts, now: Date): Preview {
  const open = obligationsOf(facts, now).filter(({ discharged, undo }) => !discharged && undo.armedBy !== 'repudiation');
  const renewed = facts.has('readmit.execution.succeeded');
  const falls = open.filter(
    ({ undo }) => binds(facts, undo) && !(renewed && undoTable[undo.kind].endsOn === 'take-over' && undo.armedBy === 'start'),
  );
  return { falls, stays: open.filter((one) => !falls.includes(one)) };
}

/** What containment undoes: everything that is armed, even what was already undone. */
export function containPreview(facts: SchedulerFacts, now: Date): Preview {
  const all = obligationsOf(facts, now);
  const falls = all.filter(({ undo }) => binds(facts, undo));
  return { falls, stays: all.filter((one) => !falls.includes(one)) };
}

/** Ends now what the case granted (R6.4). It only removes access, so it needs no quorum. */
export const endEarly =
  (who: WhoEnds, why: OrderReason): Command<Record<never, never>, SchedulerEvents> =>
  (facts, context) => {
    if (!mayEndCase(facts, who)) return unknownCase();
    const blank = blankReason(why.reason);
    if (blank) return blank;
    if (!facts.has('readmit.approval.granted'))
      return refusal(
        'conflict',
        'R6.4',
        'nothing-granted',
        'Nothing is granted yet, or this service has not received the grant. Withdraw the request instead.',
      );
    const { falls, stays } = endPreview(facts, context.now);
    if (falls.length === 0)
      return stays.length === 0
        ? refusal('conflict', 'R6.4', 'already-ended', 'Everything that was granted has already been undone.')
        : refusal(
            'conflict',
            'R6.4',
            'only-the-new-secret-is-left',
            'Only the new secret is left, and ending the case keeps it so that the machine has a working one. An operator can contain the case.',
          );
    const emit = falls
      .filter(({ latestQuestion }) => !latestQuestion)
      .map(({ id, undo }) =>
        draft('readmit.revocation.due', context.key, {
          caseId: context.key,
          obligationId: id,
          cause: 'ended-by-person',
          by: 'caseKey' in who ? 'case-key' : who.id,
          reasonDigest: why.digest,
          ...(undo.hold === undefined ? {} : { hold: undo.hold }),
        }),
      );
    return { emit, reply: {} };
  };

/** Ids of cases as created by intake. */
const caseIds = /^case_[0-9a-f]+(-[0-9a-f]+)*$/;

/**
 * Stops the case at any stage, by an operator, without a quorum (R6.6). Recorded even before the case itself has arrived. A
 * repeated order counts once everything was undone for the previous one: something may have come back since.
 */
export const contain =
  (by: string, why: OrderReason): Command<Record<never, never>, SchedulerEvents> =>
  (facts, context) => {
    if (!caseIds.test(context.key))
      return refusal('invalid', 'R6.6', 'not-a-case', 'Not a case id. Use an id of the form case_... (readmit case list).');
    const orders = facts.of('readmit.containment.ordered').length;
    const blank = blankReason(why.reason);
    if (blank) return blank;
    const { falls } = containPreview(facts, context.now);
    const served = falls.every(
      ({ discharged, questions }) => discharged && questions.filter(({ data }) => data.cause === 'containment').length >= orders,
    );
    if (orders > 0 && (falls.length === 0 || !served)) return { emit: [], reply: {} };
    return {
      emit: [draft('readmit.containment.ordered', context.key, { caseId: context.key, by, reasonDigest: why.digest })],
      reply: {},
    };
  };
