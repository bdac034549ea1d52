import { retryAfter } from '@readmit/platform';
import type { DirectorySnapshot } from '@readmit/signing';

/** Clocks differ by this much at most; what is dated later would stay young for as long as somebody likes. */
const mostAheadSeconds = 300;

/** How old the directory is at `now`, or undefined: too old for the policy, or dated in the future. What is stale is unknown (R1.6). */
export function allowedAge({ issuedAt }: Pick<DirectorySnapshot, 'issuedAt'>, now: Date, maxSeconds: number): number | undefined {
  const seconds = Math.floor((now.getTime() - Date.parse(issuedAt)) / 1000);
  // Not a number: not an instant that exists.
  return seconds >= -mostAheadSeconds && seconds <= maxSeconds ? Math.max(0, seconds) : undefined;
}

/** When work asks the directory again that could not be used. */
export const nextTry = (now: Date, tries: number): Date => retryAfter(now, tries, 30);
