import type { Refusal } from '../kernel/behaviour.js';

/** What can be wrong with a grant, as named by audit and the verifier. */
export type GrantViolation =
  | 'plan-not-approved'
  | 'decisions-invalid'
  | 'evidence-differs'
  | 'obligation-missing'
  | 'obligation-differs'
  | 'plan-above-ceiling'
  | 'plan-not-asked'
  | 'evidence-missing'
  | 'collector-invalid'
  | 'grant-outlives-policy'
  | 'granted-after-end'
  | 'opened-twice';

/** Why a grant does not count, and the violation as which audit reports it. */
export interface GrantRefusal extends Refusal {
  readonly violation: GrantViolation;
}
