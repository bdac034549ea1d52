/** Compares what a target shows with what the plan was made of. Undefined: it is as it was approved. */
import type { Facet, Plan } from '@readmit/contracts';

/** Names of the facets that the steps change; undefined: the plan is older than this rule, so nobody can say. */
function touchesOf(plan: Pick<Plan, 'steps'>): ReadonlySet<string> | undefined {
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
export function changedBeside(plan: Plan, now: readonly Facet[]): string | undefined {
  const touches = touchesOf(plan);
  if (!touches) return undefined;
  const beside = ({ name }: Facet): boolean => !touches.has(name);
  return difference(plan.before.facets.filter(beside), now.filter(beside));
}

/** After the last step, by what the steps read back (R2.4): a change that no step names, or a step that does not show what it changed. */
export function overRestored(plan: Plan, after: readonly Facet[]): string | undefined {
  const touches = touchesOf(plan);
  if (!touches) return undefined;
  const read = new Set(after.map(({ name }) => name));
  const unread = [...touches].filter((name) => !read.has(name));
  if (unread.length > 0) return `not read back: ${unread.join('; ')}`.slice(0, 400);
  const beside = ({ name }: Facet): boolean => !touches.has(name) && read.has(name);
  return difference(plan.before.facets.filter(beside), after.filter(beside));
}
