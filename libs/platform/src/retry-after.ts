/** When work is tried again whose other side could not be reached: after 1, 2, 4 ... seconds, at most `mostSeconds`. `tries`: how many there were. */
export const retryAfter = (now: Date, tries: number, mostSeconds = 60): Date =>
  new Date(now.getTime() + Math.min(mostSeconds, 2 ** (tries - 1)) * 1000);
