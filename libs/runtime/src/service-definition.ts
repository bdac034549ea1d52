import type { Draft, EventType, Fact, ServiceName } from '@readmit/contracts';
import type { Command, Context, Facts, React, Reaction, Refusal, WorkDraft } from '@readmit/domain';
import type { Tx } from '@readmit/store';

/** Work as its worker has it. */
export interface Work extends WorkDraft {
  readonly key: string;
  /** 1 for the first try. */
  readonly tries: number;
  /** Whether it was recorded, in this try or an earlier one, that a call to a target is about to be made. Without it nothing was done there. */
  readonly began: boolean;
  /** The database's clock, as far as it is known without asking. */
  now(): Date;
}

/**
 * `urgent`: takes power away; has workers of its own, comes first at its object and waits there only for a call that is under way.
 * `reading`: changes nothing outside, so it excludes nobody. Between the others one call at a time is made for each (connector, object).
 */
export const lanes = ['urgent', 'ordinary', 'reading'] as const;
export type Lane = (typeof lanes)[number];

/** Asks the database whether the lease holds and the work is not cancelled. `began`: and records, before it answers yes, that a call is about to be made. */
export type Still = (about?: { readonly began?: boolean }) => Promise<boolean>;

/** What `finish` gets instead of an outcome whose result broke a schema, or of a `begin` that fails at every try. */
export class ResultUnstorable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ResultUnstorable';
  }
}

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
  /** Rows for the service's own tables, handed to `save` in the same transaction. */
  readonly rows?: readonly unknown[];
}

/**
 * One kind of slow work. `begin` and `finish` are pure and run inside transactions; `call` alone talks to the outside, is
 * told to stop by `signal`, and reports what happened instead of throwing where the outcome is known.
 */
export interface WorkHandler<Outcome = unknown> {
  /** Default `ordinary`. */
  readonly lane?: Lane;
  begin(work: Work, facts: Facts, context: Context): Begun;
  /** Ask `still` before every call to a target. */
  call(work: Work, facts: Facts, signal: AbortSignal, still: Still): Promise<Outcome>;
  /**
   * `outcome` is `{ error }` when `call` threw or timed out: an unknown outcome, to be read back, never guessed (R5.5). Run again with
   * `ResultUnstorable` in the same attempt when what it said could not be kept: then it says on record that there is no result.
   */
  finish(work: Work, outcome: Outcome | { readonly error: Error }, facts: Facts, context: Context): Finished;
}

/** One aggregate that a transaction touched, for projections. */
export interface Change {
  readonly key: string;
  readonly facts: Facts;
  /** Facts that were new in this transaction, received or said. */
  readonly added: readonly Fact[];
  readonly rows: readonly unknown[];
}

/** Everything that makes a service: what it hears, what it concludes, what it does slowly, what it keeps beside facts. */
export interface ServiceDefinition {
  readonly name: ServiceName;
  /** Own types may stand here too: they come back by the own topic and are then kept in every aggregate of `keysOf`. */
  readonly consumes: readonly EventType[];
  /** The aggregate that a fact belongs to; default: the event's key. Several: the fact is kept in each. */
  keysOf?(fact: Fact): readonly string[];
  readonly react: React;
  readonly work: Readonly<Record<string, WorkHandler<never>>>;
  /** Saves projections of a whole batch: a constant number of statements, whatever the number of changes. `now`: of the transaction, as rules have it. */
  save?(tx: Tx, changes: readonly Change[], now: Date): Promise<void>;
  /** `timer`: the scheduler keeps its own; `deadline`: others say DeadlineSet and are nudged (DESIGN 2). */
  readonly wakes: 'timer' | 'deadline';
}

/** How HTTP reaches the facts: a batch of one, through the same transaction, locks and outbox as a message. */
export interface Commands {
  /** Runs the command on the aggregate (and reads `alsoKeys` under the same locks). A refusal is recorded in that transaction. */
  command<R>(
    options: {
      readonly key: string;
      readonly alsoKeys?: readonly string[];
      readonly name: string;
      readonly actor: string;
      readonly rows?: readonly unknown[];
      /** How many facts of the aggregate the caller had seen; another number is refused as `stale-version`. */
      readonly ifVersion?: number | undefined;
    },
    command: Command<R>,
  ): Promise<{ readonly reply: R } | { readonly refused: Refusal }>;
  /** Facts of an aggregate, without a lock. */
  facts(key: string): Promise<Facts>;
}

export type { Reaction };

/** A message that could not be taken. */
export interface Parked {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly eventId: string | null;
  readonly type: string | null;
  readonly reason: string;
  readonly says: string;
  readonly parkedAt: string;
  readonly state: 'parked' | 'redriven' | 'discarded';
  readonly headers?: Readonly<Record<string, string>>;
  /** base64 */
  readonly bytes?: string;
}
export interface ParkedFilter {
  readonly state?: Parked['state'];
  readonly reason?: string;
  /** At most so many, the latest first; default 100. */
  readonly limit?: number;
  readonly skip?: number;
}
export interface ParkedMessages {
  list(filter: ParkedFilter): Promise<readonly Parked[]>;
  show(id: string): Promise<Parked | undefined>;
  /** Recorded as an event (`readmit.<service>.message-parked`, action redriven or discarded). */
  settle(id: string, action: 'redrive' | 'discard', by: string): Promise<Parked | undefined>;
}

/** A service at work: the runner, the workers, the wakes and the commands of one definition. */
export interface Engine extends Commands {
  readonly service: ServiceName;
  readonly parked: ParkedMessages;
  start(): Promise<void>;
  /** Stops taking, finishes what is under way, closes. Resolves when nothing of it is left running. */
  stop(): Promise<void>;
  /** Readiness by progress: behind and not moving is not ready (PITFALLS 2.1). */
  progress(): Promise<{
    readonly ready: boolean;
    /** `null`: it cannot be told, because something that is to be read cannot be. */
    readonly lag: number | null;
    readonly lastBatchAt: string | null;
    readonly workWaiting: number;
    readonly parked: number;
    readonly says: string;
  }>;
  /** Further counters of a service since its start, for its metrics: `signals_recorded` becomes `readmit_signals_recorded_total`. */
  readonly counts?: Readonly<Record<string, { readonly says: string; readonly value: number }>>;
  readonly counters: { batches: number; messages: number; statements: number; commits: number; events: number; parked: number };
}
