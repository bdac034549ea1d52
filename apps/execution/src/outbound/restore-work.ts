import { ResultUnstorable, type Begun, type Finished, type Work, type WorkHandler } from '@readmit/runtime';
import { retryAfter } from '@readmit/platform';
import { TargetError, type Sealed } from '@readmit/connectors';
import type { Draft, EventData, Facet, FactOf, Plan } from '@readmit/contracts';
import {
  changedBeside,
  changedSince,
  heldBy,
  holdKey,
  holdsOf,
  instant,
  isEnding,
  isExclusive,
  overRestored,
  planGranted,
  plusSeconds,
  reached,
  recipientsOf,
  say,
  stopped,
  verifyIntent,
  type Context,
} from '@readmit/domain';
import { connectorOf, type Connectors } from './connectors.js';
import { explained, lookAgainWith, othersOf } from './other-cases.js';
import { busy } from './plan-work.js';
import { ciphertextDigest, type SealedRow } from './sealed.js';

type Failed = EventData<'readmit.execution.failed'>;
type Made = NonNullable<EventData<'readmit.execution.succeeded'>['made']>;

/** What became of one try, as far as it is certain. Whether a step was sent is the work's `began`. */
export type Restored =
  | { readonly kind: 'done'; readonly after: readonly Facet[]; readonly sealed: readonly Sealed[]; readonly made: Made }
  | { readonly kind: 'changed'; readonly says: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'late' }
  | { readonly kind: 'failed'; readonly error: Error };

/** Does what was approved, exactly: verified again in the intent transaction, compared with the target, step by step, each idempotent. */
export const restoreWork = (connectors: Connectors): WorkHandler<Restored> => ({
  begin(work, facts, context) {
    if (facts.has('readmit.execution.succeeded') || facts.has('readmit.execution.failed')) return { go: false, emit: [] };
    const started = facts.has('readmit.execution.started');
    if (started && stopped(facts)) return { go: false, emit: [] };
    const intent = started ? undefined : verifyIntent(facts, context);
    if (intent?.ok === 'wait') return { go: 'later', notBefore: plusSeconds(context.now, 1) };
    if (intent?.ok === false) return { go: false, emit: [failed(work.key, context.newId('execution'), { ...intent, effect: 'none' })] };
    const plan = intent?.plan ?? planGranted(facts)?.data.plan;
    if (!plan) throw new Error('this is a bug: restoring without a plan');

    const unread = holdsOf(plan).flatMap((hold) => othersOf(hold, false, work, context).unread);
    if (unread.length > 0) return lookAgainWith(unread, work, context);
    const kept = intent && keptByOthers(plan, work, context);
    if (kept) return kept;
    const ours = explained(plan, facts, work, context);
    return {
      go: true,
      emit: intent ? [begins(plan, intent.grant, context)] : [],
      ...(ours.length === 0 ? {} : { input: { explained: ours } }),
    };
  },

  async call(work, facts, signal, still) {
    const plan = planGranted(facts)?.data.plan;
    const started = facts.first('readmit.execution.started');
    if (!plan || !started) throw new Error('this is a bug: restoring without plan or intent');
    try {
      const now: Facet[] = [];
      for (const ask of plan.asks) now.push(...(await connectorOf(connectors, ask.connector).read(ask, signal)));
      const ours = (work.input['explained'] ?? []) as readonly Facet[];
      const changed = work.began ? changedBeside(plan, now) : changedSince(plan, now, ours);
      if (changed) return { kind: 'changed', says: changed };
      const recipients = recipientsOf(facts).map((recipient) => recipient.key);
      const after: Facet[] = [];
      const sealed: Sealed[] = [];
      const made: Made = [];
      for (const step of plan.steps) {
        if (reached(started.data.endsAt, work.now())) return { kind: 'late' };
        if (!(await still({ began: true }))) return { kind: 'stopped' };
        const result = await connectorOf(connectors, step.connector).execute(
          step,
          { caseId: work.key, recipients, expiresAt: new Date(started.data.endsAt), plan },
          signal,
        );
        after.push(...result.after);
        sealed.push(...result.sealed);
        if (result.made && result.made.length > 0) made.push({ stepId: step.id, identity: [...result.made] });
      }
      return { kind: 'done', after: lastOfEach(after), sealed, made };
    } catch (error) {
      return { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
    }
  },

  finish(work, outcome, facts, context): Finished {
    const caseId = work.key;
    const started = facts.first('readmit.execution.started');
    // Ended meanwhile: the undo is ordered and reads the target; whatever was made is voided, nothing is said twice.
    if (facts.has('readmit.execution.failed') || facts.has('readmit.execution.succeeded'))
      return { emit: [], rows: started ? [{ drop: 'all' } satisfies SealedRow] : [] };
    const executionId = started?.data.executionId ?? context.newId('execution');
    const fail = (effect: Failed['effect'], rule: string, reason: string, says: string, more: readonly Draft[] = []): Finished => ({
      emit: [failed(caseId, executionId, { effect, rule, reason, says }), ...more],
      rows: [{ drop: 'all' } satisfies SealedRow],
    });
    const { began } = work;
    const tried: Restored = 'kind' in outcome ? outcome : { kind: 'failed', error: outcome.error };
    if (tried.kind === 'failed' && tried.error instanceof ResultUnstorable)
      return fail(began ? 'unknown' : 'none', 'R8.1', 'result-unstorable', `What came of it can not be recorded: ${tried.error.message}`);
    const plan = planGranted(facts)?.data.plan;
    if (!started || !plan) return { emit: [] };
    switch (tried.kind) {
      case 'changed':
        return fail(began ? 'partial' : 'none', 'R2.5', 'target-changed', `The target is not what was approved: ${tried.says}`);
      case 'stopped':
        return fail(began ? 'partial' : 'none', 'R6.4', 'ended-before-finish', 'The case was ended while the restoration was under way.');
      case 'late':
        return fail(began ? 'partial' : 'none', 'R6.2', 'end-reached', 'The end of the grant was reached before the restoration was done.');
      case 'failed': {
        const { error } = tried;
        const lasting = error instanceof TargetError && ['refused', 'not-found', 'unsupported', 'changed'].includes(error.code);
        // An unknown outcome is read back by trying again: every step first reads what is there (R5.5).
        if (!lasting && !stopped(facts) && !reached(started.data.endsAt, context.now))
          return { emit: [], retryAt: retryAfter(context.now, work.tries) };
        const effect = began ? (error instanceof TargetError && error.effect === 'none' ? 'partial' : 'unknown') : 'none';
        return fail(
          effect,
          'R5.5',
          error instanceof TargetError ? `target-${error.code}` : 'target-error',
          error instanceof TargetError ? error.message : 'The target did not answer as expected.',
        );
      }
      case 'done': {
        const more = overRestored(plan, tried.after);
        if (more !== undefined) {
          const says = `The target shows more than the plan: ${more}`.slice(0, 500);
          return fail('partial', 'R2.4', 'over-restored', says, [
            say('readmit.incident.raised', caseId, {
              caseId,
              incidentId: context.newId('incident'),
              rule: 'R2.4',
              reason: 'over-restored',
              says,
            }),
          ]);
        }
        return {
          emit: [succeeded(plan, started, tried)],
          rows: tried.sealed.map((put) => ({ put }) satisfies SealedRow),
        };
      }
    }
  },
});

/** The clock of a grant starts when it is granted (R4.7): here, not when it was approved. */
const begins = (plan: Plan, grant: FactOf<'readmit.approval.granted'>, context: Context): Draft =>
  say('readmit.execution.started', context.key, {
    caseId: context.key,
    executionId: context.newId('execution'),
    planDigest: grant.data.planDigest,
    grantId: grant.data.grantId,
    endsAt: instant(plusSeconds(context.now, plan.durationSeconds)),
    holds: [...holdsOf(plan)],
    held: heldBy(plan),
  });

/** What another case holds that two can not share, or is about to take away (R6.5). */
function keptByOthers(plan: Plan, work: Work, context: Context): Begun | undefined {
  if (holdsOf(plan).some((hold) => isEnding(context.other(holdKey(hold)), hold, work.key)))
    return { go: 'later', notBefore: plusSeconds(context.now, 1) };
  for (const step of plan.steps) {
    if (step.hold === undefined || !isExclusive(step)) continue;
    const [holder] = othersOf(step.hold, true, work, context).holders;
    if (!holder) continue;
    const says = busy(step.object, holder.caseId);
    return {
      go: false,
      emit: [failed(work.key, context.newId('execution'), { effect: 'none', rule: 'R6.5', reason: 'account-busy', says })],
    };
  }
  return undefined;
}

function succeeded(
  plan: Plan,
  { data }: FactOf<'readmit.execution.started'>,
  { after, sealed, made }: Extract<Restored, { kind: 'done' }>,
): Draft {
  const { caseId, executionId, planDigest, holds } = data;
  // The end of sessions gives nothing; of the rest the kind says what was done to the account.
  const gave = plan.steps
    .filter(({ kind }) => kind !== 'sessions.end')
    .map(({ kind, connector, object, entitlement }) => ({
      kind,
      connector,
      object,
      ...(entitlement === undefined ? {} : { entitlement }),
    }));
  return say('readmit.execution.succeeded', caseId, {
    caseId,
    executionId,
    planDigest,
    after: [...after],
    sealed: sealed.map(({ jwe }) => ciphertextDigest(jwe)),
    holds,
    gave,
    made,
  });
}

const failed = (
  caseId: string,
  executionId: string,
  { effect, rule, reason, says }: Pick<Failed, 'effect' | 'rule' | 'reason' | 'says'>,
): Draft => say('readmit.execution.failed', caseId, { caseId, executionId, effect, rule, reason, says: says.slice(0, 500) || reason });

/** The last value read of each facet. */
const lastOfEach = (facets: readonly Facet[]): Facet[] => [...new Map(facets.map((facet) => [facet.name, facet])).values()];
