import type { Directory } from '@readmit/contracts';
import { retryAfter } from '../kernel/work.js';

/** A verified directory, with the SHA-256 of the signed file. */
export interface DirectoryReading {
  /** Merged with the live source, if there is one, and then only what one case needs. */
  readonly directory: Directory;
  readonly digest: string;
  readonly issuedAt: string;
  readonly live?: LiveFindings;
}

/** What approvers are told about the live source. */
export interface LiveFindings {
  /** Each raises tier and quorum (R1.6). */
  readonly doubts: readonly string[];
  /** Each with its source in the name. */
  readonly facts: readonly { readonly name: string; readonly value: string; readonly ageSeconds?: number }[];
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
