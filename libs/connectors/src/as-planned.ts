import type { Facet, Plan } from '@readmit/contracts';
import { TargetError } from './connector.js';

/** Throws `changed` when the target shows anything that the plan did not see, beside what the step itself changes. */
export function mustBeAsPlanned(plan: Plan, now: readonly Facet[], touches: readonly string[] = []): void {
  for (const { name, value } of now) {
    if (touches.includes(name)) continue;
    const before = plan.before.facets.find((facet) => facet.name === name);
    if (before?.value !== value)
      throw new TargetError(
        `${name} was ${before ? `"${before.value}"` : 'not read'} when the plan was made, now it is "${value}"`.slice(0, 500),
        'none',
        'changed',
      );
  }
}
