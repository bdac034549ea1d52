/** What a decision asks of the sign-in behind it. */
export interface StepUp {
  /** Accepted values of `acr`, in order of preference; none: any, also none. */
  readonly acrValues: readonly string[];
  /** Seconds since the person last proved who they are. */
  readonly maxAgeSeconds: number;
}
/** How the person signed in, as the access token says. */
export interface SignedInHow {
  /** Seconds since 1970. */
  readonly authTime?: number;
  readonly acr?: string;
}
export interface StepUpFault {
  readonly rule: 'R4.10';
  readonly reason: 'auth-time-missing' | 'sign-in-too-old' | 'acr-missing' | 'acr-not-accepted';
  readonly says: string;
}

/**
 * R4.10: whether the sign-in is fresh and strong enough to decide with. `acr` alone proves nothing: identity providers keep it over a refresh
 * of the token, hours after the person last did anything, so `auth_time` is always asked for.
 */
export function stepUpFault({ authTime, acr }: SignedInHow, { acrValues, maxAgeSeconds }: StepUp, now: Date): StepUpFault | undefined {
  const fault = (reason: StepUpFault['reason'], says: string): StepUpFault => ({ rule: 'R4.10', reason, says });
  if (authTime === undefined)
    return fault('auth-time-missing', 'The access token does not say when you signed in (claim auth_time). Sign in again.');
  if (now.getTime() / 1000 - authTime > maxAgeSeconds)
    return fault('sign-in-too-old', `You signed in more than ${maxAgeSeconds} s ago. Sign in again to decide.`);
  if (acrValues.length === 0) return undefined;
  const accepted = acrValues.join(' or ');
  if (acr === undefined) return fault('acr-missing', `The access token does not say how you signed in (claim acr); ${accepted} is needed.`);
  if (!acrValues.includes(acr)) return fault('acr-not-accepted', `You signed in with ${acr}; ${accepted} is needed to decide.`);
  return undefined;
}
