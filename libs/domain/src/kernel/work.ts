/**
 * Slow work: something to be done outside the service, at a target, a directory or a mailbox. Its rules are pure and live here (`begin`,
 * `finish`); what talks to the outside is the service's `call`, which reports an outcome and decides nothing.
 */
import type { Draft, EventType } from '@readmit/contracts';
import type { Context, WorkDraft } from './behaviour.js';
import type { Facts } from './facts.js';

/** One piece of work that a worker has claimed. */
export interface Work extends WorkDraft {
  readonly key: string;
  /** 1 for the first try. */
  readonly tries: number;
  /** Whether it was recorded, in this try or an earlier one, that a call to a target is about to be made. Without it nothing was done there. */
  readonly began: boolean;
}

/**
 * `urgent`: takes power away; has workers of its own, comes first at its object and waits there only for a call that is under way.
 * `reading`: changes nothing outside, so it excludes nobody. Between the others one call at a time is made for each (connector, object).
 */
export const lanes = ['urgent', 'ordinary', 'reading'] as const;
export type Lane = (typeof lanes)[number];

/** Answer of `begin`, decided in the intent transaction under the locks of the work's aggregates. */
export type Begun =
  /** `input`: joins the work's input for this call, in memory alone: what the call must know of other aggregates. */
  | { readonly go: true; readonly emit: readonly Draft[]; readonly input?: Readonly<Record<string, unknown>> }
  /** The work is over without a call. */
  | { readonly go: false; readonly emit: readonly Draft[] }
  /** Not yet: look again at the instant. `alsoKeys`: and with these aggregates, instead of those before. */
  | { readonly go: 'later'; readonly notBefore: Date; readonly alsoKeys?: readonly string[] };

export interface Finished {
  readonly emit: readonly Draft[];
  /** Try again at the instant; absent: the work is done. */
  readonly retryAt?: Date;
  /** Rows for the service's own tables, saved in the same transaction. */
  readonly rows?: readonly unknown[];
}

/** What a call came to: its own report, or an error when it threw or timed out. Then the outcome is unknown: read back, never guessed (R5.5). */
export type Outcome<Report> = Report | { readonly error: Error };

/** The rules of one kind of work. MUST be pure: both run inside transactions and may be run again. */
export interface WorkRules<Report = unknown, out T extends EventType = EventType> {
  /** Default `ordinary`. */
  readonly lane?: Lane;
  begin(work: Work, facts: Facts<T>, context: Context<T>): Begun;
  /** Run again with `ResultUnstorable` in the same attempt when what it decided could not be stored: then it records that there is no result. */
  finish(work: Work, outcome: Outcome<Report>, facts: Facts<T>, context: Context<T>): Finished;
}

/** What `finish` gets instead of an outcome whose result broke a schema, or of a `begin` that fails at every try. */
export class ResultUnstorable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ResultUnstorable';
  }
}

/** When work is tried again whose other side could not be reached: after 1, 2, 4 ... seconds, at most `mostSeconds`. `tries`: how many there were. */
export const retryAfter = (now: Date, tries: number, mostSeconds = 60): Date =>
  new Date(now.getTime() + Math.min(mostSeconds, 2 ** (tries - 1)) * 1000);
