import type { Facet, Plan } from '@readmit/contracts';
import type { Begun, Work } from '../kernel/work.js';
import { effectsOf, undoneEffectsOf, explainedBy } from './compare-target.js';
import { planGranted } from './execution.react.js';
import { holders, holdKey, holdsOf, stillHolds, type Holder } from './holds.js';
import type { ExecutionContext, ExecutionFacts } from './execution.facts.js';

export interface OtherHolders {
  /** Cases that hold it too, by the facts of the hold and of those cases. */
  readonly holders: readonly Holder[];
  /** Aggregates that must be locked to know that, and are not. */
  readonly unread: readonly string[];
}

/** Which other cases hold it (R6.5). Work starts with the aggregate of the hold locked; the cases named there are locked in a second attempt. */
export function otherHolders(
  hold: string,
  exclusive: boolean,
  work: Pick<Work, 'key' | 'alsoKeys'>,
  context: ExecutionContext,
): OtherHolders {
  const others = holders(context.other(holdKey(hold)), hold).filter(({ caseId }) => caseId !== work.key);
  return {
    holders: others.filter(({ caseId }) => stillHolds(context.other(caseId), exclusive)),
    unread: [holdKey(hold), ...others.map(({ caseId }) => caseId)].filter((key) => !work.alsoKeys.includes(key)),
  };
}

/** `begin` again immediately, with these aggregates locked too. */
export const retryWithKeys = (unread: readonly string[], work: Pick<Work, 'alsoKeys'>, context: ExecutionContext): Begun => ({
  go: 'later',
  notBefore: context.now,
  alsoKeys: [...new Set([...work.alsoKeys, ...unread])],
});

/** Facets that other cases with the same holds have changed since the plan was made. Their aggregates must be locked. */
export function explained(plan: Plan, facts: ExecutionFacts, work: Pick<Work, 'key' | 'alsoKeys'>, context: ExecutionContext): Facet[] {
  const since = facts.of('readmit.case.classified').find(({ id }) => id === plan.classificationId)?.at;
  if (since === undefined) return [];
  const doings = holdsOf(plan).flatMap((hold) => [
    ...otherHolders(hold, false, work, context).holders.flatMap(({ caseId }) =>
      effectsOf(planGranted(context.other(caseId))?.data.plan, context.other(caseId)),
    ),
    ...undoneEffectsOf(context.other(holdKey(hold)), hold),
  ]);
  return explainedBy(plan, doings, since);
}
