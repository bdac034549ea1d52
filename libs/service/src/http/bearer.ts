import { IssuerUnavailable, TokenRefused } from '@readmit/signing';
import { ProblemError, unavailable } from './problem.js';

/**
 * What is answered to a token that was not accepted. An issuer that cannot be asked is 503 `issuer-unavailable`, never 401: the person
 * did nothing wrong.
 */
export function problemOfToken(error: unknown): unknown {
  if (error instanceof IssuerUnavailable)
    return unavailable(error.reason, 'The identity provider cannot be asked for its keys. Try again.', error, 5);
  if (!(error instanceof TokenRefused)) return error;
  const { reason, message } = error;
  return new ProblemError(401, reason, message, {
    headers: { 'www-authenticate': `Bearer realm="readmit", error="invalid_token", error_description="${reason}"` },
  });
}
