/** Compares what a target shows with what the plan was made of. Undefined: it is as it was approved. */
import type { Facet, Plan } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';

/** Names of the facets that the steps change; undefined: the plan is older than this rule, so nobody can say. */
function touchedFacets(plan: Pick<Plan, 'steps'>): ReadonlySet<string> | undefined {
  const each = plan.steps.map(({ touches }) => touches);
  return each.includes(undefined) ? undefined : new Set(each.flatMap((names) => names ?? []));
}

function difference(before: readonly Facet[], after: readonly Facet[]): string | undefined {
  const unique = (facets: readonly Facet[]): string[] => [...new Set(facets.map(({ name, value }) => `${name}=${value}`))].sort();
  const [was, is] = [unique(before), unique(after)];
  const gone = was.filter((facet) => !is.includes(facet));
  const come = is.filter((facet) => !was.includes(facet));
  return gone.length + come.length === 0
    ? undefined
    : `was ${gone.join('; ') || 'nothing'}, is ${come.join('; ') || 'nothing'}`.slice(0, 400);
}

/** Before the first step (R2.5). `explained`: what other cases of ours have made of facets that the steps of this plan change too. */
export function changedSince(plan: Plan, now: readonly Facet[], explained: readonly Facet[] = []): string | undefined {
  const ours = (facet: Facet): boolean => explained.some(({ name, value }) => name === facet.name && value === facet.value);
  const explains = new Set(now.filter(ours).map(({ name }) => name));
  return difference(
    plan.before.facets.filter(({ name }) => !explains.has(name)),
    now.filter((facet) => !ours(facet)),
  );
}

/** After the first step was sent: what no step changes must be as it was (R2.5). */
export function changedOutsidePlan(plan: Plan, now: readonly Facet[]): string | undefined {
  const touches = touchedFacets(plan);
  if (!touches) return undefined;
  const beside = ({ name }: Facet): boolean => !touches.has(name);
  return difference(plan.before.facets.filter(beside), now.filter(beside));
}

/** After the last step, by what the steps read back (R2.4): a change that no step names, or a step that does not show what it changed. */
export function overRestored(plan: Plan, after: readonly Facet[]): string | undefined {
  const touches = touchedFacets(plan);
  if (!touches) return undefined;
  const read = new Set(after.map(({ name }) => name));
  const unread = [...touches].filter((name) => !read.has(name));
  if (unread.length > 0) return `not read back: ${unread.join('; ')}`.slice(0, 400);
  const beside = ({ name }: Facet): boolean => !touches.has(name) && read.has(name);
  return difference(plan.before.facets.filter(beside), after.filter(beside));
}

/** What one of our own cases has made of a target: facets as it found them, and as it left them, and when that was done. */
export interface CaseEffect {
  readonly at: string;
  readonly from: readonly Facet[];
  readonly to: readonly Facet[];
}

/** What cases that are over did to the hold last: they gave it and took it back. */
export function undoneEffectsOf(
  facts: Facts<'readmit.execution.succeeded' | 'readmit.revocation.confirmed'>,
  hold: string,
): readonly CaseEffect[] {
  const gave = new Map(facts.of('readmit.execution.succeeded').map(({ data }) => [data.caseId, data.after]));
  return facts
    .of('readmit.revocation.confirmed')
    .filter(({ data }) => data.hold === hold && data.how === 'undone')
    .map(({ at, data }) => ({ at, from: gave.get(data.caseId) ?? [], to: data.readBack }));
}

/** What a case that holds it did, by the facts of the case. */
export const effectsOf = (plan: Plan | undefined, ofCase: Facts<'readmit.execution.succeeded'>): readonly CaseEffect[] =>
  ofCase.of('readmit.execution.succeeded').map(({ at, data }) => ({ at, from: plan?.before.facets ?? [], to: data.after }));

/**
 * Facets that show something else than the plan saw, and that our own cases on the same holds explain: they found what this plan saw and left
 * what is given back here. Only facets that the steps change anyway, and only that one value: what anybody else changed is not explained.
 * `since`: when the case was classified, before its plan read the target. What was done earlier the plan has seen, so a difference from the
 * plan is not of it (R2.5).
 */
export function explainedBy(plan: Plan, effects: readonly CaseEffect[], since: string): Facet[] {
  const valueOf = (facets: readonly Facet[], name: string): string | undefined => facets.find((facet) => facet.name === name)?.value;
  const names = new Set(plan.steps.filter(({ hold }) => hold !== undefined).flatMap(({ touches }) => touches ?? []));
  return effects
    .filter(({ at }) => at >= since)
    .flatMap(({ from, to }) =>
      to.filter(({ name }) => {
        const [found, seen] = [valueOf(from, name), valueOf(plan.before.facets, name)];
        return names.has(name) && found !== undefined && found === seen;
      }),
    );
}
