import type { Finding } from './finding.js';

/** What a verifier found in an export. */
export interface LogReport {
  /** No finding of the verifier, and none that audit itself has put into the log. */
  readonly ok: boolean;
  /** Entries read. */
  readonly size: number;
  /** Hex root over the entries. */
  readonly root: string;
  /** Sorted by index; at most `maxFindings`. */
  readonly findings: readonly Finding[];
  readonly found: number;
  readonly cases: number;
  /** Findings that audit itself has put into the log (readmit.violation.found). */
  readonly violations: number;
  /** The first of them, at most `maxFindings`. */
  readonly violated: readonly ViolationEntry[];
  /** Of the list of services' keys that was believed. An older list than one you know may hide a revocation. */
  readonly keyListIssuedAt?: string;
  /** Refusals that the log holds: everything that was denied (R7.1). */
  readonly refusals: number;
  /** The first of them, at most `maxFindings`. */
  readonly refused: readonly RefusedEntry[];
  /** One sentence. */
  readonly says: string;
}

/** A broken rule that audit found while it ran, as a genuine entry says it. */
export interface ViolationEntry {
  readonly index: number;
  readonly at: string;
  readonly caseId: string;
  readonly rule: string;
  readonly says: string;
}

/** Something that was denied, as a genuine entry says it. */
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
