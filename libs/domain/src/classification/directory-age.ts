import type { Directory } from '@readmit/contracts';
import { retryAfter } from '../kernel/work.js';

/** The directory as it was read: verified, with the SHA-256 of the signed file. */
export interface DirectoryReading {
  readonly directory: Directory;
  readonly digest: string;
  readonly issuedAt: string;
}

/** Clocks differ by this much at most; a directory dated later than that would never become stale. */
const maxAheadSeconds = 300;

/** How old the directory is at `now`, or undefined: too old for the policy, or dated in the future. What is stale is unknown (R1.6). */
export function allowedAge({ issuedAt }: Pick<DirectoryReading, 'issuedAt'>, now: Date, maxSeconds: number): number | undefined {
  const seconds = Math.floor((now.getTime() - Date.parse(issuedAt)) / 1000);
  // Not a number: not an instant that exists.
  return seconds >= -maxAheadSeconds && seconds <= maxSeconds ? Math.max(0, seconds) : undefined;
}

/** When work reads a directory again that could not be used. */
export const nextTry = (now: Date, tries: number): Date => retryAfter(now, tries, 30);
