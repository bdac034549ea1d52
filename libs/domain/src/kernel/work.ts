/**
 * Slow work: a task outside the service, at a target, a directory or a mailbox. Its rules, `begin` and `finish`, are pure
 * and in the domain. The `call` of the service does the task and reports the outcome; it decides nothing.
 */
import type { Draft, EventType } from '@readmit/contracts';
import type { Context, WorkDraft } from './behaviour.js';
import type { Facts } from './facts.js';

/** Work that a worker has claimed. */
export interface Work extends WorkDraft {
  readonly key: string;
  /** 1 for the first try. */
  readonly tries: number;
  /** Whether this try or an earlier one recorded that it was about to call a target. If not, nothing was done there. */
  readonly began: boolean;
}

/**
 * `urgent`: removes access. Has its own workers, goes first at its object, and waits there only for a call in progress.
 * `reading`: changes nothing outside and blocks nothing. `ordinary`: one call at a time for each (connector, object).
 */
export const lanes = ['urgent', 'ordinary', 'reading'] as const;
export type Lane = (typeof lanes)[number];

/** Result of `begin`, which runs in a transaction that locks the aggregates of the work. */
export type Begun =
  /** Call. `input`: added to the work's input for this call, in memory only: what it must know of other aggregates. */
  | { readonly go: true; readonly emit: readonly Draft[]; readonly input?: Readonly<Record<string, unknown>> }
  /** The work is done without a call. */
  | { readonly go: false; readonly emit: readonly Draft[] }
  /** Not yet: `begin` again at that time. `alsoKeys`: and lock these further aggregates instead of the previous ones. */
  | { readonly go: 'later'; readonly notBefore: Date; readonly alsoKeys?: readonly string[] };

export interface Finished {
  readonly emit: readonly Draft[];
  /** Try again at that time; absent: the work is done. */
  readonly retryAt?: Date;
  /** Rows for the service's own tables, saved in the same transaction. */
  readonly rows?: readonly unknown[];
}

/** The report of a call, or an error if it threw or timed out. Then the outcome is unknown: it is read back, never guessed (R5.5). */
export type CallOutcome<Report> = Report | { readonly error: Error };

/** The rules of one kind of work. MUST be pure: both run inside transactions, which may be retried. */
export interface WorkRules<Report = unknown, out T extends EventType = EventType> {
  /** Default `ordinary`. */
  readonly lane?: Lane;
  begin(work: Work, facts: Facts<T>, context: Context<T>): Begun;
  /** False: the report does not show that the target was called. Absent: every report does. */
  reached?(report: Report): boolean;
  /** Runs again with `ResultUnstorable`, in the same attempt, if its result could not be stored: then it records that. */
  finish(work: Work, outcome: CallOutcome<Report>, facts: Facts<T>, context: Context<T>): Finished;
}

/** Given to `finish` instead of an outcome whose result violates a schema, or for a `begin` that fails at every try. */
export class ResultUnstorable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ResultUnstorable';
  }
}

/** When to retry: after 1, 2, 4 ... seconds, at most `maxSeconds`. `tries`: how many there were. */
export const retryAfter = (now: Date, tries: number, maxSeconds = 60): Date =>
  new Date(now.getTime() + Math.min(maxSeconds, 2 ** (tries - 1)) * 1000);
