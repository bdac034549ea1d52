/** Times in events and HTTP: RFC 3339, UTC, milliseconds. */
export const instant = (date: Date): string => date.toISOString();
export const plusSeconds = (at: Date | string, seconds: number): Date =>
  new Date((typeof at === 'string' ? Date.parse(at) : at.getTime()) + seconds * 1000);
/** Half-open: the deadline itself is too late. */
export const reached = (deadline: Date | string, now: Date): boolean =>
  now.getTime() >= (typeof deadline === 'string' ? Date.parse(deadline) : deadline.getTime());
export const earliest = (...instants: readonly (Date | null | undefined)[]): Date | null =>
  instants.reduce<Date | null>((least, next) => (next && (!least || next < least) ? next : least), null);

/** Allowed clock skew of people who sign and of other services. Times that they claim are checked with it. */
export const clockToleranceSeconds = 300;
/**
 * Why a signed time cannot be true, or undefined: it is not a valid time (29 February of a common year, 99:99), or is before
 * `from` or after `to` by more than the allowed clock skew.
 */
export function signedTimeFault(text: string, from: Date | string, to: Date | string): 'not-a-time' | 'too-early' | 'too-late' | undefined {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()) || instant(at) !== text) return 'not-a-time';
  if (at < plusSeconds(from, -clockToleranceSeconds)) return 'too-early';
  return at > plusSeconds(to, clockToleranceSeconds) ? 'too-late' : undefined;
}
