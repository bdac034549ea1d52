import type { Draft, EventData, Facet, FactOf, Plan } from '@readmit/contracts';
import { draft, type Refusal } from '../kernel/behaviour.js';
import { isExclusive, stepTable } from '../kernel/restorations.js';
import { instant, plusSeconds, reached } from '../kernel/time.js';
import { ResultUnstorable, retryAfter, type Begun, type Finished, type Work, type WorkRules } from '../kernel/work.js';
import { changedOutsidePlan, changedSince, overRestored } from './compare-target.js';
import { planGranted, stopped } from './execution.react.js';
import { heldBy, holdKey, holdsOf, isEnding } from './holds.js';
import { verifyIntent } from './intent.js';
import { explained, retryWithKeys, otherHolders } from './other-cases.js';
import { accountBusy } from './plan.work.js';
import { TargetError, type Sealed } from './target.js';
import type { ExecutionContext, ExecutionEvents } from './execution.facts.js';

type Failed = EventData<'readmit.execution.failed'>;
export type Made = NonNullable<EventData<'readmit.execution.succeeded'>['made']>;

/** The certain outcome of one try. Whether a step was sent is in `began` of the work. */
export type Restored =
  /** `after`: facets as read back by the steps, in order. */
  | { readonly kind: 'done'; readonly after: readonly Facet[]; readonly sealed: readonly SealedSecret[]; readonly made: Made }
  | { readonly kind: 'changed'; readonly difference: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'late' };

/** A sealed secret with the SHA-256 of its text. The event has the digest, a table the ciphertext. */
export interface SealedSecret extends Sealed {
  readonly ciphertextDigest: string;
}
/** Change to the stored secrets of a case: one is stored for pick-up, or some are deleted (undone, acknowledged). */
export type SealedRow = { readonly put: SealedSecret } | { readonly drop: 'all' } | { readonly drop: { readonly recipient: string } };

/** How the target differs from what was approved, or undefined. Compared before the first step of every try (R2.5). */
export const targetChange = (work: Pick<Work, 'began' | 'input'>, plan: Plan, now: readonly Facet[]): string | undefined => {
  const ours = (work.input['explained'] ?? []) as readonly Facet[];
  return work.began ? changedOutsidePlan(plan, now) : changedSince(plan, now, ours);
};

/** Carries out exactly what was approved: verified again in the intent transaction, compared with the target, in idempotent steps. */
export const restoreWork: WorkRules<Restored, ExecutionEvents> = {
  begin(work, facts, context) {
    if (facts.has('readmit.execution.succeeded') || facts.has('readmit.execution.failed')) return { go: false, emit: [] };
    const started = facts.has('readmit.execution.started');
    if (started && stopped(facts)) return { go: false, emit: [] };
    const intent = started ? undefined : verifyIntent(facts, context);
    if (intent?.ok === 'wait') return { go: 'later', notBefore: plusSeconds(context.now, 1) };
    if (intent?.ok === false) return { go: false, emit: [failedDraft(work.key, context.newId('execution'), 'none', intent)] };
    const plan = intent?.plan ?? planGranted(facts)?.data.plan;
    if (!plan) throw new Error('this is a bug: restoring without a plan');

    const unread = holdsOf(plan).flatMap((hold) => otherHolders(hold, false, work, context).unread);
    if (unread.length > 0) return retryWithKeys(unread, work, context);
    const blocked = intent && blockedByOthers(plan, work, context);
    if (blocked) return blocked;
    const ours = explained(plan, facts, work, context);
    return {
      go: true,
      emit: intent ? [startedDraft(plan, intent.grant, context)] : [],
      ...(ours.length === 0 ? {} : { input: { explained: ours } }),
    };
  },

  finish(work, outcome, facts, context): Finished {
    const caseId = work.key;
    const started = facts.first('readmit.execution.started');
    // Ended in the meantime: the undo reads the target. Secrets are deleted, and no second end is recorded.
    if (facts.has('readmit.execution.failed') || facts.has('readmit.execution.succeeded'))
      return { emit: [], rows: started ? [{ drop: 'all' } satisfies SealedRow] : [] };
    const executionId = started?.data.executionId ?? context.newId('execution');
    const fail = (effect: Failed['effect'], rule: string, reason: string, message: string, more: readonly Draft[] = []): Finished => ({
      emit: [failedDraft(caseId, executionId, effect, { rule, reason, message }), ...more],
      rows: [{ drop: 'all' } satisfies SealedRow],
    });
    const { began } = work;
    if ('error' in outcome && outcome.error instanceof ResultUnstorable)
      return fail(began ? 'unknown' : 'none', 'R8.1', 'result-unstorable', `The result cannot be recorded: ${outcome.error.message}`);
    const plan = planGranted(facts)?.data.plan;
    if (!started || !plan) return { emit: [] };
    if ('error' in outcome) {
      const error = outcome.error instanceof TargetError ? outcome.error : undefined;
      const lasting = error && ['refused', 'not-found', 'unsupported', 'changed'].includes(error.code);
      // Trying again reads back an unknown outcome: every step first reads what is there (R5.5).
      if (!lasting && !stopped(facts) && !reached(started.data.endsAt, context.now))
        return { emit: [], retryAt: retryAfter(context.now, work.tries) };
      const effect = began ? (error?.effect === 'none' ? 'partial' : 'unknown') : 'none';
      return error
        ? fail(effect, 'R5.5', `target-${error.code}`, error.message)
        : fail(effect, 'R5.5', 'target-error', 'The target did not answer as expected.');
    }
    switch (outcome.kind) {
      case 'changed':
        return fail(began ? 'partial' : 'none', 'R2.5', 'target-changed', `The target is not what was approved: ${outcome.difference}`);
      case 'stopped':
        return fail(began ? 'partial' : 'none', 'R6.4', 'ended-before-finish', 'The case was ended while the restoration was in progress.');
      case 'late':
        return fail(began ? 'partial' : 'none', 'R6.2', 'end-reached', 'The grant ended before the restoration was complete.');
      case 'done': {
        const after = lastOfEach(outcome.after);
        const more = overRestored(plan, after);
        if (more !== undefined) {
          const says = `The target shows more than the plan: ${more}`.slice(0, 500);
          return fail('partial', 'R2.4', 'over-restored', says, [
            draft('readmit.incident.raised', caseId, {
              caseId,
              incidentId: context.newId('incident'),
              rule: 'R2.4',
              reason: 'over-restored',
              says,
            }),
          ]);
        }
        return {
          emit: [succeededDraft(plan, started, { ...outcome, after })],
          rows: outcome.sealed.map((put) => ({ put }) satisfies SealedRow),
        };
      }
    }
  },
};

/** The duration of a grant counts from here, not from the approval (R4.7). */
const startedDraft = (plan: Plan, grant: FactOf<'readmit.approval.granted'>, context: ExecutionContext): Draft =>
  draft('readmit.execution.started', context.key, {
    caseId: context.key,
    executionId: context.newId('execution'),
    planDigest: grant.data.planDigest,
    grantId: grant.data.grantId,
    endsAt: instant(plusSeconds(context.now, plan.durationSeconds)),
    holds: [...holdsOf(plan)],
    held: heldBy(plan),
  });

/** Waits while another case is about to remove the same, and fails if another case holds it exclusively (R6.5). */
function blockedByOthers(plan: Plan, work: Work, context: ExecutionContext): Begun | undefined {
  if (holdsOf(plan).some((hold) => isEnding(context.other(holdKey(hold)), hold, work.key)))
    return { go: 'later', notBefore: plusSeconds(context.now, 1) };
  for (const step of plan.steps) {
    if (step.hold === undefined || !isExclusive(step)) continue;
    const [holder] = otherHolders(step.hold, true, work, context).holders;
    if (!holder) continue;
    return { go: false, emit: [failedDraft(work.key, context.newId('execution'), 'none', accountBusy(step.object, holder.caseId))] };
  }
  return undefined;
}

function succeededDraft(
  plan: Plan,
  { data }: FactOf<'readmit.execution.started'>,
  { after, sealed, made }: Extract<Restored, { kind: 'done' }>,
): Draft {
  const { caseId, executionId, planDigest, holds } = data;
  const gave = plan.steps
    .filter(({ kind }) => !stepTable[kind].withEveryAsk)
    .map(({ kind, connector, object, entitlement }) => ({
      kind,
      connector,
      object,
      ...(entitlement === undefined ? {} : { entitlement }),
    }));
  return draft('readmit.execution.succeeded', caseId, {
    caseId,
    executionId,
    planDigest,
    after: [...after],
    sealed: sealed.map(({ ciphertextDigest }) => ciphertextDigest),
    holds,
    gave,
    made,
  });
}

const failedDraft = (caseId: string, executionId: string, effect: Failed['effect'], { rule, reason, message }: Refusal): Draft =>
  draft('readmit.execution.failed', caseId, { caseId, executionId, effect, rule, reason, says: message.slice(0, 500) || reason });

/** The last value read of each facet. */
const lastOfEach = (facets: readonly Facet[]): Facet[] => [...new Map(facets.map((facet) => [facet.name, facet])).values()];
