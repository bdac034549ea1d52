import { mayEndCase, type WhoEnds } from '../decision-proof/parties.js';
import { refusal, draft, type Command, type CommandRefusal } from '../kernel/behaviour.js';
import { undoTable } from '../kernel/restorations.js';
import { blankReason, type OrderReason } from '../kernel/blank-text.js';
import { binds, obligationsOf, type Obligation } from './obligations.js';
import type { SchedulerEvents, SchedulerFacts } from './scheduler.facts.js';

/** The answer of a case that nobody has heard of, and of one that is not theirs: the two must not be told apart. */
export const unknownCase = (): CommandRefusal =>
  refusal('not-found', 'R6.4', 'case-unknown', 'This service knows of no case that you may end (or has not heard of it yet).');

/** There is nothing to contain: nothing was asked for, all of it is closed, or the id is another one. */
export const nothingOpen = (subject: string): CommandRefusal =>
  refusal(
    'not-found',
    'R6.6',
    'nothing-open',
    `This service knows of no open case of ${subject}. Check the id; a closed case, or one that was opened just now, is contained by its own id.`,
  );

/** What an end now would take back, and what it would leave as it is. */
export interface Preview {
  readonly falls: readonly Obligation[];
  readonly stays: readonly Obligation[];
}

/**
 * What falls when somebody ends the case. Of a reissued secret the old login falls and the new one stays, so that the machine keeps a login
 * that works; before there is a new one in place, what was made of it falls. `contain` takes both.
 */
export function endPreview(facts: SchedulerFacts, now: Date): Preview {
  const open = obligationsOf(facts, now).filter(({ discharged, undo }) => !discharged && undo.armedBy !== 'repudiation');
  const renewed = facts.has('readmit.execution.succeeded');
  const falls = open.filter(
    ({ undo }) => binds(facts, undo) && !(renewed && undoTable[undo.kind].endsOn === 'take-over' && undo.armedBy === 'start'),
  );
  return { falls, stays: open.filter((one) => !falls.includes(one)) };
}

/** What containment takes back: everything that binds, once more where it was taken back already. */
export function containPreview(facts: SchedulerFacts, now: Date): Preview {
  const all = obligationsOf(facts, now);
  const falls = all.filter(({ undo }) => binds(facts, undo));
  return { falls, stays: all.filter((one) => !falls.includes(one)) };
}

/** Somebody of the case ends what it granted, now (R6.4). It only takes away, so it needs no quorum. */
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
        'Nothing is granted yet (or this service has not heard of it). Before that a request is withdrawn, not ended.',
      );
    const { falls, stays } = endPreview(facts, context.now);
    if (falls.length === 0)
      return stays.length === 0
        ? refusal('conflict', 'R6.4', 'already-ended', 'Everything that was granted has been taken back already.')
        : refusal(
            'conflict',
            'R6.4',
            'only-the-new-secret-is-left',
            'What is left is the new secret; ending the case keeps it, so that the machine has one that works. An operator can contain the case.',
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

/** Ids of cases as intake makes them. An order about anything else would be an event about nothing. */
const caseIds = /^case_[0-9a-f]+(-[0-9a-f]+)*$/;

/**
 * An operator stops the case at any stage; remembered even when the case is not known here yet, and never waits for a quorum (R6.6). Ordered
 * again when everything was asked for the last order and answered: something may have come back since.
 */
export const contain =
  (by: string, why: OrderReason): Command<Record<never, never>, SchedulerEvents> =>
  (facts, context) => {
    if (!caseIds.test(context.key))
      return refusal(
        'invalid',
        'R6.6',
        'not-a-case',
        'Only a case can be contained: name it by its id, case_ and what follows (readmit case list).',
      );
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
