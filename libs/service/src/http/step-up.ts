import { stepUpFault, type StepUp } from '@readmit/domain';
import type { Actor } from './call.js';
import { ProblemError } from './problem.js';

/**
 * Asks for a fresh sign-in where a route needs one (RFC 9470): the client signs the person in again with these `acr_values` and `max_age`, and
 * repeats the request. It is no refusal, so it is not recorded: nothing was decided, and the same person may come back a minute later.
 */
export function assertSteppedUp(actor: Actor | undefined, stepUp: StepUp, now: Date): void {
  const fault = stepUpFault(actor ?? {}, stepUp, now);
  if (!fault) return;
  const { acrValues, maxAgeSeconds } = stepUp;
  const challenge = [
    'Bearer realm="readmit"',
    'error="insufficient_user_authentication"',
    `error_description="${fault.reason}"`,
    ...(acrValues.length === 0 ? [] : [`acr_values="${acrValues.join(' ')}"`]),
    `max_age="${maxAgeSeconds}"`,
  ].join(', ');
  throw new ProblemError(401, fault.reason, fault.says, { rule: fault.rule, headers: { 'www-authenticate': challenge } });
}
