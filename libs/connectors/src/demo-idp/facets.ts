import type { Ask, Facet, Plan } from '@readmit/contracts';
import type { PersonState } from './admin-client.js';

const none = 'none';

/**
 * What a recovery depends on: which factors, whether a bypass is open, whether the account is locked. Not sessions and not sign-in
 * times: they change while people decide.
 */
export function facetsOf(connector: string, object: string, state: PersonState): Facet[] {
  const name = (what: string) => `${connector}/${object}/${what}`;
  const factors = state.factors.map(({ id }) => id).toSorted();
  return [
    { name: name('factors'), value: factors.length === 0 ? none : factors.join(' ') },
    // A bypass that is over is no bypass; one that was used lives on in its session.
    { name: name('bypass'), value: state.bypass.state === 'active' || state.bypass.state === 'used' ? state.bypass.state : none },
    { name: name('locked'), value: state.locked ? 'yes' : 'no' },
  ];
}

/** Factors that the approved plan saw, or undefined when it did not look at the object. */
export function factorsBefore(plan: Plan, connector: string, object: string): ReadonlySet<string> | undefined {
  const facet = plan.before.facets.find((each) => each.name === `${connector}/${object}/factors`);
  if (!facet) return undefined;
  return new Set(facet.value === none ? [] : facet.value.split(' '));
}

/** What stays as it is, in words for the approver. */
export function untouchedBy(ask: Ask): string[] {
  return [
    `the password of ${ask.object} at ${ask.connector}`,
    `roles, teams and authority of ${ask.object}`,
    `every other account at ${ask.connector}`,
    'API tokens already issued: they live to their own end, at most one hour',
  ];
}
