import type { Facet, Plan } from '@readmit/contracts';
import { TargetError } from './connector.js';

/** Throws `changed` if the target differs from the plan in anything that the step itself does not change. */
export function mustBeAsPlanned(plan: Plan, now: readonly Facet[], touches: readonly string[] = []): void {
  for (const { name, value } of now) {
    if (touches.includes(name)) continue;
    const before = plan.before.facets.find((facet) => facet.name === name);
    if (before?.value !== value)
      throw new TargetError(
        `${name} was ${before ? `"${before.value}"` : 'not read'} when the plan was made and is "${value}" now`.slice(0, 500),
        'none',
        'changed',
      );
  }
}
