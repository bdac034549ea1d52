import type { Ask, Facet, Identity, Plan } from '@readmit/contracts';
import type { PersonState } from './admin-client.js';

const none = 'none';

/** Ids that the provider assigns and never reuses. */
export const accountOf = (state: PersonState): Identity => ({ name: 'account', value: state.id });
export const factorOf = (id: string): Identity => ({ name: 'factor', value: id });
export const bypassOf = (id: string): Identity => ({ name: 'bypass', value: id });

export const facetName = (connector: string, object: string, what: 'factors' | 'bypass' | 'locked'): string =>
  `${connector}/${object}/${what}`;

/**
 * What a recovery depends on: the factors, and whether a bypass is active. The lock is read back only if a step lifts it (`withLock`), and no
 * plan depends on it: anyone who knows the name can cause one, and one that expires leaves nothing to lift (R1.8). Without sessions and
 * sign-in times, which change while people decide.
 */
export function facetsOf(connector: string, object: string, state: PersonState, withLock: boolean): Facet[] {
  const factors = state.factors.map(({ id }) => id).toSorted();
  return [
    { name: facetName(connector, object, 'factors'), value: factors.length === 0 ? none : factors.join(' ') },
    // An expired or closed bypass counts as none; one that was used lives on in its session.
    {
      name: facetName(connector, object, 'bypass'),
      value: state.bypass.state === 'active' || state.bypass.state === 'used' ? state.bypass.state : none,
    },
    ...(withLock ? [{ name: facetName(connector, object, 'locked'), value: state.locked ? 'yes' : 'no' }] : []),
  ];
}

/** Whether the plan lifts the lock of the object. */
export const liftsLock = (plan: Plan, connector: string, object: string): boolean =>
  plan.steps.some((step) => step.kind === 'account.unlock' && step.connector === connector && step.object === object);

/** Factors in the approved plan, or undefined if it did not read the object. */
export function factorsBefore(plan: Plan, connector: string, object: string): ReadonlySet<string> | undefined {
  const facet = plan.before.facets.find((each) => each.name === facetName(connector, object, 'factors'));
  if (!facet) return undefined;
  return new Set(facet.value === none ? [] : facet.value.split(' '));
}

/** What stays as it is, for the approver. */
export function untouchedBy(ask: Ask): string[] {
  return [
    `the password of ${ask.object} at ${ask.connector}`,
    `roles, teams and authority of ${ask.object}`,
    `every other account at ${ask.connector}`,
    'API tokens already issued: they live to their own end, at most one hour',
  ];
}
