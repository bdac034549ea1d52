/** Compares the state of a target with the state that the plan was made from. Undefined: no difference that matters. */
import type { Facet, Plan } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';

/** Names of the facets that the steps change; undefined: an older plan that does not name them. */
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

/** Before the first step (R2.5). `explained`: facets that other cases have set and that this plan changes too. */
export function changedSince(plan: Plan, now: readonly Facet[], explained: readonly Facet[] = []): string | undefined {
  const ours = (facet: Facet): boolean => explained.some(({ name, value }) => name === facet.name && value === facet.value);
  const explains = new Set(now.filter(ours).map(({ name }) => name));
  return difference(
    plan.before.facets.filter(({ name }) => !explains.has(name)),
    now.filter((facet) => !ours(facet)),
  );
}

/** Once the first step was sent: facets that no step changes must be as before (R2.5). */
export function changedOutsidePlan(plan: Plan, now: readonly Facet[]): string | undefined {
  const touches = touchedFacets(plan);
  if (!touches) return undefined;
  const untouched = ({ name }: Facet): boolean => !touches.has(name);
  return difference(plan.before.facets.filter(untouched), now.filter(untouched));
}

/** After the last step, from what the steps read back (R2.4): a change that no step names, or a facet that was not read back. */
export function overRestored(plan: Plan, after: readonly Facet[]): string | undefined {
  const touches = touchedFacets(plan);
  if (!touches) return undefined;
  const read = new Set(after.map(({ name }) => name));
  const unread = [...touches].filter((name) => !read.has(name));
  if (unread.length > 0) return `not read back: ${unread.join('; ')}`.slice(0, 400);
  const untouched = ({ name }: Facet): boolean => !touches.has(name) && read.has(name);
  return difference(plan.before.facets.filter(untouched), after.filter(untouched));
}

/** What another case did to a target: facets before and after, and when. */
export interface CaseEffect {
  readonly at: string;
  readonly from: readonly Facet[];
  readonly to: readonly Facet[];
}

/** Effects of ended cases on a hold: they gave it and took it back. */
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

/** Effects of a case that still holds it, by the facts of that case. */
export const effectsOf = (plan: Plan | undefined, ofCase: Facts<'readmit.execution.succeeded'>): readonly CaseEffect[] =>
  ofCase.of('readmit.execution.succeeded').map(({ at, data }) => ({ at, from: plan?.before.facets ?? [], to: data.after }));

/**
 * Facets that differ from the plan because other cases with the same holds changed them: those cases found the value that
 * this plan saw and left the value returned here. Only for facets that the steps change, and only for that one value, so a
 * change by anyone else is not explained. `since`: when the case was classified, before its plan read the target. The plan
 * already contains what was done earlier (R2.5).
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
