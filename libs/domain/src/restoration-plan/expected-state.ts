/** What a target should show after a restoration, and how what it shows now differs from that (R6.7). */
import type { Facet, Plan } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';
import { stepTable } from '../kernel/restorations.js';

/** Whether a difference gives power, takes it away, or only renames something. */
export type Power = 'more' | 'less' | 'same';
export interface Difference {
  readonly facet: string;
  readonly was: string;
  readonly is: string;
  readonly power: Power;
}
type Done = Facts<'readmit.execution.succeeded' | 'readmit.revocation.confirmed'>;
type Effects = Facts<'readmit.execution.succeeded' | 'readmit.revocation.confirmed' | 'readmit.enrolment.confirmed'>;

/** Last part of a facet's name, by which connectors tell kinds of facets apart. Not a name from the target, such as a role named "dn". */
const kindOf = (name: string): string | undefined => /(?<!\/(?:role|group|login))\/([^/]+)$/.exec(name)?.[1];
/** Facets that limit the account: the less they have, the more it may. */
const limits: ReadonlySet<string | undefined> = new Set(['locked', 'valid-until', 'required-actions']);
const names: ReadonlySet<string | undefined> = new Set(['dn', 'user-name', 'name']);
const nothing: ReadonlySet<string> = new Set(['', 'none', 'absent', 'no', 'no-login']);
const itemsOf = (value: string): string[] => value.split(/[\s,]+/).filter((item) => !nothing.has(item));
const without = (items: readonly string[], others: readonly string[]): string[] => items.filter((item) => !others.includes(item));

/** What is not known to take power away counts as giving it. */
export function powerOf(name: string, was: string, is: string): Power {
  const kind = kindOf(name);
  if (names.has(kind)) return 'same';
  const [from, to] = limits.has(kind) ? [itemsOf(is), itemsOf(was)] : [itemsOf(was), itemsOf(is)];
  return without(to, from).length > 0 ? 'more' : 'less';
}

/** Facets that the undo restores: those of the steps that it reverses. */
function touchedBy(plan: Pick<Plan, 'steps' | 'obligations'>, obligationId: string): ReadonlySet<string> {
  const undo = plan.obligations.find(({ id }) => id === obligationId);
  if (!undo) return new Set();
  const reversed = plan.steps.filter(({ kind, connector, object, hold }) =>
    undo.hold === undefined
      ? stepTable[kind].undo === undo.kind && connector === undo.connector && object === undo.object
      : hold === undo.hold,
  );
  return new Set(reversed.flatMap(({ touches }) => touches ?? []));
}
const undone = (facts: Done) => facts.of('readmit.revocation.confirmed').filter(({ data }) => data.how === 'undone');

/**
 * Value of each facet after the last thing that the case did: as planned from, then as the steps left it, then as each undo left it. An undo
 * can only take away: a value that gives more is somebody else's, and then the value from before the case is what should be there.
 */
export function expectedState(plan: Plan, facts: Done): ReadonlyMap<string, string> {
  const before = new Map(plan.before.facets.map(({ name, value }) => [name, value]));
  const expected = new Map(before);
  for (const { name, value } of facts.first('readmit.execution.succeeded')?.data.after ?? []) expected.set(name, value);
  for (const { data } of undone(facts)) {
    const touched = touchedBy(plan, data.obligationId);
    for (const { name, value } of data.readBack) {
      const was = expected.get(name);
      if (was === undefined) continue;
      const restored = touched.has(name) && limits.has(kindOf(name));
      if (restored || powerOf(name, was, value) !== 'more') expected.set(name, value);
      else if (touched.has(name)) expected.set(name, before.get(name) ?? was);
    }
  }
  return expected;
}

/** When the case last changed the facet at the target; undefined: it never did. */
export function lastEffect(plan: Plan, facts: Effects, name: string): string | undefined {
  const at: string[] = [];
  if (plan.steps.some(({ touches }) => touches?.includes(name))) at.push(...facts.of('readmit.execution.succeeded').map((fact) => fact.at));
  for (const fact of undone(facts)) if (touchedBy(plan, fact.data.obligationId).has(name)) at.push(fact.at);
  if (kindOf(name) === 'factors') at.push(...facts.of('readmit.enrolment.confirmed').map((fact) => fact.at));
  return at.sort().at(-1);
}

/**
 * How the target differs, without what the person was meant to do after the recovery: use the bypass and enrol one new factor, until a
 * repudiation has withdrawn it.
 */
export function differences(
  plan: Plan,
  facts: Effects,
  account: { readonly connector: string; readonly object: string },
  now: readonly Facet[],
): Difference[] {
  const expected = expectedState(plan, facts);
  const here = ({ connector, object }: { readonly connector: string; readonly object: string }): boolean =>
    connector === account.connector && object === account.object;
  const withdrawn = undone(facts).some(({ data }) =>
    plan.obligations.some((undo) => undo.id === data.obligationId && undo.kind === 'enrolment.withdraw' && here(undo)),
  );
  const enrols = plan.steps.some((step) => here(step) && (step.kind === 'factor.remove' || step.kind === 'bypass.issue'));
  const enrolled = facts.of('readmit.enrolment.confirmed').flatMap(({ data }) => (here(data) ? data.factor : []));
  /** The value without what the person was meant to change. */
  const explained = (name: string, was: string, is: string): string => {
    switch (enrols ? kindOf(name) : undefined) {
      case 'bypass':
        return was === 'active' && (is === 'used' || is === 'none') ? was : is;
      case 'required-actions': {
        const before = plan.before.facets.find((facet) => facet.name === name)?.value ?? 'none';
        return without(itemsOf(before), itemsOf(is)).length === 0 && powerOf(name, was, is) === 'more' ? was : is;
      }
      case 'factors': {
        if (withdrawn) return is;
        const gained = without(itemsOf(is), itemsOf(was));
        // Not watched where no bypass is issued: then one factor is what was asked for, and a second one is not.
        const meant = enrolled.length > 0 ? enrolled : gained.length === 1 ? gained : [];
        const rest = without(itemsOf(is), without(meant, itemsOf(was)));
        return rest.join(' ') || 'none';
      }
      default:
        return is;
    }
  };
  // Cut to the limits of the event: a long value at a target must not hide a difference.
  const shown = new Map(now.map(({ name, value }) => [name.slice(0, 600) || 'unnamed', value.slice(0, 2000)]));
  return [...shown].flatMap(([facet, value]) => {
    const was = expected.get(facet) ?? 'none';
    const rest = explained(facet, was, value);
    if (rest === was || (itemsOf(rest).length === 0 && itemsOf(was).length === 0)) return [];
    return [{ facet, was, is: value, power: powerOf(facet, was, rest) }];
  });
}
