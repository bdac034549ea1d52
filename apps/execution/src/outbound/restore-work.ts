import type { Finished, WorkHandler } from '@readmit/bus';
import { TargetError, type Sealed } from '@readmit/connectors';
import type { Facet, Plan } from '@readmit/contracts';
import { holdOf, instant, planGranted, plusSeconds, reached, recipientsOf, say, stopped, verifyIntent, type Facts } from '@readmit/domain';
import { connectorOf, retryAt, type Connectors } from './plan-work.js';
import { ciphertextDigest, type SealedRow } from './sealed.js';

/** What became of one try, as far as it is certain. `began`: whether any step was sent to the target. */
export type Restored =
  | { readonly kind: 'done'; readonly after: readonly Facet[]; readonly sealed: readonly Sealed[] }
  | { readonly kind: 'changed'; readonly says: string }
  | { readonly kind: 'stopped'; readonly began: boolean }
  | { readonly kind: 'failed'; readonly began: boolean; readonly error: Error };

/** Compares what the target shows now with what the plan was made of. Undefined: the same. */
function changedSince(plan: Plan, now: readonly Facet[]): string | undefined {
  const unique = (facets: readonly Facet[]): string[] => [...new Set(facets.map((facet) => `${facet.name}=${facet.value}`))].sort();
  const [before, after] = [unique(plan.before.facets), unique(now)];
  const gone = before.filter((facet) => !after.includes(facet));
  const come = after.filter((facet) => !before.includes(facet));
  return gone.length + come.length === 0
    ? undefined
    : `was ${gone.join('; ') || 'nothing'}, is ${come.join('; ') || 'nothing'}`.slice(0, 400);
}

/** Does what was approved, exactly: verified again in the intent transaction, compared with the target, step by step, each idempotent. */
export const restoreWork = (connectors: Connectors): WorkHandler<Restored> => restoring(connectors, new Set());

/** `unsent`: work of which this process knows that an earlier try failed before any step was sent, so the target must still be as it was (R2.5). */
const restoring = (connectors: Connectors, unsent: Set<string>): WorkHandler<Restored> => ({
  begin(work, facts, context) {
    const caseId = work.key;
    if (facts.has('readmit.execution.succeeded') || facts.has('readmit.execution.failed')) return { go: false, emit: [] };
    const started = facts.first('readmit.execution.started');
    if (started) return { go: !stopped(facts), emit: [] };
    const intent = verifyIntent(facts, context);
    if (intent.ok === 'wait') return { go: 'later', notBefore: plusSeconds(context.now, 1) };
    const executionId = context.newId('execution');
    if (!intent.ok)
      return {
        go: false,
        emit: [
          say('readmit.execution.failed', caseId, {
            caseId,
            executionId,
            effect: 'none',
            rule: intent.rule,
            reason: intent.reason,
            says: intent.says,
          }),
        ],
      };
    const { grant, plan } = intent;
    // The clock of a grant starts when it is granted (R4.7): here, not when it was approved.
    const endsAt = instant(plusSeconds(context.now, plan.durationSeconds));
    const holds = plan.asks.map(holdOf);
    return {
      go: true,
      emit: [
        say('readmit.execution.started', caseId, {
          caseId,
          executionId,
          planDigest: grant.data.planDigest,
          grantId: grant.data.grantId,
          endsAt,
          holds,
        }),
      ],
    };
  },

  async call(work, facts, signal, still) {
    const plan = planGranted(facts)?.data.plan;
    const started = facts.first('readmit.execution.started');
    if (!plan || !started) throw new Error('this is a bug: restoring without plan or intent');
    let began = work.tries > 1 && !unsent.has(work.id);
    unsent.delete(work.id);
    try {
      if (!began) {
        const now: Facet[] = [];
        for (const ask of plan.asks) now.push(...(await connectorOf(connectors, ask.connector).read(ask, signal)));
        const changed = changedSince(plan, now);
        if (changed) return { kind: 'changed', says: changed };
      }
      const recipients = recipientsOf(facts).map((recipient) => recipient.key);
      const after: Facet[] = [];
      const sealed: Sealed[] = [];
      for (const step of plan.steps) {
        if (!(await still())) return { kind: 'stopped', began };
        began = true;
        const result = await connectorOf(connectors, step.connector).execute(
          step,
          { caseId: work.key, recipients, expiresAt: new Date(started.data.endsAt), plan },
          signal,
        );
        after.push(...result.after);
        sealed.push(...result.sealed);
      }
      return { kind: 'done', after: lastOfEach(after), sealed };
    } catch (error) {
      if (!began) unsent.add(work.id);
      return { kind: 'failed', began, error: error instanceof Error ? error : new Error(String(error)) };
    }
  },

  finish(work, outcome, facts, context): Finished {
    const caseId = work.key;
    const started = facts.first('readmit.execution.started');
    if (!started) return { emit: [] };
    const { executionId, planDigest } = started.data;
    // Ended meanwhile: the undo is ordered and reads the target; whatever was made is voided, nothing is said twice.
    if (facts.has('readmit.execution.failed') || facts.has('readmit.execution.succeeded'))
      return { emit: [], rows: [{ drop: 'all' } satisfies SealedRow] };
    const fail = (effect: 'none' | 'partial' | 'unknown', rule: string, reason: string, says: string): Finished => ({
      emit: [say('readmit.execution.failed', caseId, { caseId, executionId, effect, rule, reason, says: says.slice(0, 500) })],
      rows: [{ drop: 'all' } satisfies SealedRow],
    });
    const tried: Restored = 'kind' in outcome ? outcome : { kind: 'failed', began: true, error: outcome.error };
    switch (tried.kind) {
      case 'changed':
        return fail('none', 'R2.5', 'target-changed', `The target is not what was approved: ${tried.says}`);
      case 'stopped':
        return fail(
          tried.began ? 'partial' : 'none',
          'R6.4',
          'ended-before-finish',
          'The case was ended while the restoration was under way.',
        );
      case 'failed': {
        const { error, began } = tried;
        const lasting = error instanceof TargetError && ['refused', 'not-found', 'unsupported', 'changed'].includes(error.code);
        // An unknown outcome is read back by trying again: every step first reads what is there (R5.5).
        if (!lasting && !stopped(facts) && !over(facts, context.now)) return { emit: [], retryAt: retryAt(context.now, work.tries) };
        const effect = began ? (error instanceof TargetError && error.effect === 'none' ? 'partial' : 'unknown') : 'none';
        return fail(
          effect,
          'R5.5',
          error instanceof TargetError ? `target-${error.code}` : 'target-error',
          error instanceof TargetError ? error.message : 'The target did not answer as expected.',
        );
      }
      case 'done':
        return {
          emit: [
            say('readmit.execution.succeeded', caseId, {
              caseId,
              executionId,
              planDigest,
              after: [...tried.after],
              sealed: tried.sealed.map((item) => ciphertextDigest(item.jwe)),
              holds: started.data.holds,
            }),
          ],
          rows: tried.sealed.map((put) => ({ put }) satisfies SealedRow),
        };
    }
  },
});

const over = (facts: Facts, now: Date): boolean => reached(facts.first('readmit.execution.started')?.data.endsAt ?? now, now);
/** The last value read of each facet. */
const lastOfEach = (facets: readonly Facet[]): Facet[] => [...new Map(facets.map((facet) => [facet.name, facet])).values()];
