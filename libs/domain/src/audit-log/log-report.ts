import type { Finding } from './finding.js';

/** What a verifier found in an export. */
export interface LogReport {
  /** No finding by the verifier, and no violation that audit itself has logged. */
  readonly ok: boolean;
  /** Entries read. */
  readonly size: number;
  /** Hex root over the entries. */
  readonly root: string;
  /** Sorted by index; at most `maxFindings`. */
  readonly findings: readonly Finding[];
  readonly found: number;
  readonly cases: number;
  /** Number of violations that audit itself has logged (readmit.violation.found). */
  readonly violations: number;
  /** The first of them, at most `maxFindings`. */
  readonly violated: readonly ViolationEntry[];
  /** Of the list of service keys that was used. A list that is older than one you know may hide a revocation. */
  readonly keyListIssuedAt?: string;
  /** Number of refusals in the log (R7.1). */
  readonly refusals: number;
  /** The first of them, at most `maxFindings`. */
  readonly refused: readonly RefusedEntry[];
  /** One sentence. */
  readonly says: string;
}

/** A violation that audit logged, from a genuine entry. */
export interface ViolationEntry {
  readonly index: number;
  readonly at: string;
  readonly caseId: string;
  readonly rule: string;
  readonly says: string;
}

/** A refusal, from a genuine entry. */
export interface RefusedEntry {
  readonly index: number;
  readonly type: string;
  readonly at: string;
  readonly key: string;
  readonly command: string;
  readonly rule: string;
  readonly reason: string;
  readonly actor: string;
}
