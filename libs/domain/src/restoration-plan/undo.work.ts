import type { Facet, FactOf, Undo } from '@readmit/contracts';
import { draft } from '../kernel/behaviour.js';
import { isAnswered, latestQuestion } from '../kernel/questions.js';
import { isExclusive, voidsSecret } from '../kernel/restorations.js';
import { instant } from '../kernel/time.js';
import { retryAfter, type Begun, type Finished, type Work, type WorkRules } from '../kernel/work.js';
import { planGranted } from './execution.react.js';
import { answerTo, didNothing, holdKey, reliedOn } from './holds.js';
import { retryWithKeys, otherHolders } from './other-cases.js';
import type { SealedRow } from './restore.work.js';
import type { UndoResult } from './target.js';
import type { ExecutionContext, ExecutionEvents, ExecutionFacts } from './execution.facts.js';

export interface Question {
  readonly due: FactOf<'readmit.revocation.due'>;
  readonly undo: Undo;
}

/** The question that the work answers, unless it is answered or a later one was asked. */
export function questionOf(work: Work, facts: ExecutionFacts): Question | undefined {
  const obligationId = String(work.input['obligationId']);
  const undo = planGranted(facts)?.data.plan.obligations.find(({ id }) => id === obligationId);
  const due = latestQuestion(facts, obligationId);
  const asked = work.input['dueId'];
  // Work of an older release names no question and answers the latest.
  if (!undo || !due || (asked !== undefined && asked !== due.id) || isAnswered(facts, due)) return undefined;
  return { due, undo };
}

/** Whether nothing of it was ever at the target: refused, failed before the first step, or armed by a success that did not happen. */
const neverBegan = (undo: Undo, facts: ExecutionFacts): boolean =>
  didNothing(facts) || (undo.armedBy === 'success' && !facts.has('readmit.execution.succeeded'));

/** Undoes, ends sessions and reads back, retried until the target shows it (R6.3). Removes nothing that another case still holds (R6.5). */
export const undoWork: WorkRules<UndoResult, ExecutionEvents> = {
  lane: 'urgent',
  begin(work, facts, context) {
    const question = questionOf(work, facts);
    if (!question) return { go: false, emit: [] };
    const { due, undo } = question;
    const unneeded = (how: 'never-began' | 'still-held', more: Parameters<typeof answerTo>[3] = {}): Begun => ({
      go: false,
      emit: [draft('readmit.revocation.confirmed', work.key, answerTo(due, undo, how, more))],
    });
    const { hold } = undo;
    if (hold === undefined || isExclusive(undo)) return neverBegan(undo, facts) ? unneeded('never-began') : { go: true, emit: [] };
    const others = otherHolders(hold, false, work, context);
    if (others.unread.length > 0) return retryWithKeys(others.unread, work, context);
    // Undo also what another case left to this one, even if its own steps were never carried out.
    if (neverBegan(undo, facts) && !reliedOn(context.other(holdKey(hold)), work.key)) return unneeded('never-began');
    const [holder] = others.holders;
    if (holder) return unneeded('still-held', { heldBy: { caseId: holder.caseId, obligationId: holder.obligationId } });
    return { go: true, emit: [] };
  },
  finish(work, outcome, facts, context): Finished {
    const question = questionOf(work, facts);
    if (!question) return { emit: [] };
    const { due, undo } = question;
    if ('error' in outcome) return retryUndo(work, undo, outcome.error, context);
    const { readBack, sessionsEnded } = outcome;
    return {
      emit: [
        draft(
          'readmit.revocation.confirmed',
          work.key,
          answerTo(due, undo, 'undone', { readBack: readBack.slice(0, 200).map(bounded), sessionsEnded }),
        ),
      ],
      // The secret of a destroyed login or a closed bypass is useless, so its ciphertext is deleted. Not that of another ask.
      rows: undo.armedBy === 'start' && voidsSecret(undo) ? [{ drop: 'all' } satisfies SealedRow] : [],
    };
  },
};

function retryUndo(work: Work, undo: Undo, error: Error, context: ExecutionContext): Finished {
  const next = retryAfter(context.now, work.tries);
  return {
    emit: [
      draft('readmit.revocation.failed', work.key, {
        caseId: work.key,
        obligationId: undo.id,
        tries: work.tries,
        retryAt: instant(next),
        reason: error.message.slice(0, 500) || 'no reason given',
      }),
    ],
    retryAt: next,
  };
}

/** Cut to the limits of the event: long values at a target must not prevent the end from being recorded. */
const bounded = ({ name, value }: Facet): Facet => ({ name: name.slice(0, 600) || 'unnamed', value: value.slice(0, 2000) });
