/** Instants on the wire: RFC 3339, UTC, milliseconds. */
export const instant = (date: Date): string => date.toISOString();
export const plusSeconds = (at: Date | string, seconds: number): Date =>
  new Date((typeof at === 'string' ? Date.parse(at) : at.getTime()) + seconds * 1000);
/** Half open: at the deadline it is over. */
export const reached = (deadline: Date | string, now: Date): boolean =>
  now.getTime() >= (typeof deadline === 'string' ? Date.parse(deadline) : deadline.getTime());
export const earliest = (...instants: readonly (Date | null | undefined)[]): Date | null =>
  instants.reduce<Date | null>((least, next) => (next && (!least || next < least) ? next : least), null);
