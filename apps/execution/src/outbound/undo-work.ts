import type { Finished, WorkHandler } from '@readmit/bus';
import type { UndoResult } from '@readmit/connectors';
import type { Undo, Undone } from '@readmit/contracts';
import { holdKey, holdOf, instant, planGranted, say, type Facts } from '@readmit/domain';
import { connectorOf, holders, retryAt, type Connectors } from './plan-work.js';
import type { SealedRow } from './sealed.js';

const undoOf = (facts: Facts, obligationId: string): Undo | undefined =>
  planGranted(facts)?.data.plan.obligations.find((undo) => undo.id === obligationId);
/** What the obligation lets go of, for obligations of an entitlement that several cases may hold. */
const holdOfUndo = (facts: Facts, undo: Undo): string | undefined => {
  const ask = planGranted(facts)?.data.plan.asks.find(
    (candidate) => candidate.connector === undo.connector && candidate.object === undo.object && candidate.entitlement === undo.entitlement,
  );
  return ask && undo.kind === 'role.revoke' ? holdOf(ask) : undefined;
};

const undone = ({ kind, connector, object, entitlement }: Undo): Undone => ({
  kind,
  connector,
  object,
  ...(entitlement === undefined ? {} : { entitlement }),
});

/** Takes back, ends sessions, reads back; retried until the target shows it (R6.3). Removes nothing that another case still holds (R6.5). */
export const undoWork = (connectors: Connectors): WorkHandler<UndoResult> => ({
  begin(work, facts, context) {
    const obligationId = String(work.input['obligationId']);
    const undo = undoOf(facts, obligationId);
    const answered = facts.of('readmit.revocation.confirmed').some((fact) => fact.data.obligationId === obligationId);
    if (!undo || answered) return { go: false, emit: [] };
    const hold = holdOfUndo(facts, undo);
    if (hold && holders(context.other(holdKey(hold)), hold).some((caseId) => caseId !== work.key))
      return {
        go: false,
        emit: [
          say('readmit.revocation.confirmed', work.key, {
            caseId: work.key,
            obligationId,
            hold,
            how: 'still-held',
            readBack: [],
            sessionsEnded: 0,
            undo: undone(undo),
          }),
        ],
      };
    return { go: true, emit: [] };
  },
  async call(work, facts, signal) {
    const plan = planGranted(facts)?.data.plan;
    const undo = undoOf(facts, String(work.input['obligationId']));
    if (!plan || !undo) throw new Error('this is a bug: undoing without a plan');
    return connectorOf(connectors, undo.connector).undo(undo, { caseId: work.key, plan }, signal);
  },
  finish(work, outcome, facts, context): Finished {
    const obligationId = String(work.input['obligationId']);
    const undo = undoOf(facts, obligationId);
    if (!undo) return { emit: [] };
    if ('error' in outcome) {
      const next = retryAt(context.now, work.tries);
      return {
        emit: [
          say('readmit.revocation.failed', work.key, {
            caseId: work.key,
            obligationId,
            tries: work.tries,
            retryAt: instant(next),
            reason: outcome.error.message.slice(0, 500) || 'no reason given',
          }),
        ],
        retryAt: next,
      };
    }
    const hold = holdOfUndo(facts, undo);
    return {
      emit: [
        say('readmit.revocation.confirmed', work.key, {
          caseId: work.key,
          obligationId,
          how: 'undone',
          readBack: [...outcome.readBack],
          sessionsEnded: outcome.sessionsEnded,
          undo: undone(undo),
          ...(hold === undefined ? {} : { hold }),
        }),
      ],
      // A secret whose login is destroyed, or a bypass that is closed, is of no use any more: its ciphertext goes too.
      rows: undo.armedBy === 'start' ? [{ drop: 'all' } satisfies SealedRow] : [],
    };
  },
});
