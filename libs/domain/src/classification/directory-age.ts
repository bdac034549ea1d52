import type { Directory } from '@readmit/contracts';
import { retryAfter } from '../kernel/work.js';

/** A verified directory, with the SHA-256 of the signed file. */
export interface DirectoryReading {
  readonly directory: Directory;
  readonly digest: string;
  readonly issuedAt: string;
}

/** Allowed clock skew: a directory dated further ahead would stay fresh for too long. */
const maxAheadSeconds = 300;

/** Age of the directory in seconds, or undefined if it is too old for the policy or dated in the future (R1.6). */
export function allowedAge({ issuedAt }: Pick<DirectoryReading, 'issuedAt'>, now: Date, maxSeconds: number): number | undefined {
  const seconds = Math.floor((now.getTime() - Date.parse(issuedAt)) / 1000);
  // Also undefined for NaN: not a valid time.
  return seconds >= -maxAheadSeconds && seconds <= maxSeconds ? Math.max(0, seconds) : undefined;
}

/** When to read the directory again after one that could not be used. */
export const nextTry = (now: Date, tries: number): Date => retryAfter(now, tries, 30);
