/** Instants on the wire: RFC 3339, UTC, milliseconds. */
export const instant = (date: Date): string => date.toISOString();
export const plusSeconds = (at: Date | string, seconds: number): Date =>
  new Date((typeof at === 'string' ? Date.parse(at) : at.getTime()) + seconds * 1000);
/** Half open: at the deadline it is over. */
export const reached = (deadline: Date | string, now: Date): boolean =>
  now.getTime() >= (typeof deadline === 'string' ? Date.parse(deadline) : deadline.getTime());
export const earliest = (...instants: readonly (Date | null | undefined)[]): Date | null =>
  instants.reduce<Date | null>((least, next) => (next && (!least || next < least) ? next : least), null);

/** How far the clock of whoever signs, or of another service, may be off. Times that people and services claim are bounded by it. */
export const clockToleranceSeconds = 300;
/**
 * Why nobody can have signed then, or undefined: the text is no instant (29 February of other years is read as 1 March, and 99:99 not at all), or
 * lies before or after these by more than clocks differ.
 */
export function signedTimeFault(text: string, from: Date | string, to: Date | string): 'no-instant' | 'too-early' | 'too-late' | undefined {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()) || instant(at) !== text) return 'no-instant';
  if (at < plusSeconds(from, -clockToleranceSeconds)) return 'too-early';
  return at > plusSeconds(to, clockToleranceSeconds) ? 'too-late' : undefined;
}
