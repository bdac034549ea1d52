import type { Fact, ServiceName } from '@readmit/contracts';
import type { Command, Facts, CommandRefusal, ServiceProcess, Work as ClaimedWork, WorkRules } from '@readmit/domain';
import type { Tx } from '@readmit/store';
import type { OpenBreaker } from './breaker.js';

export { lanes, ResultUnstorable } from '@readmit/domain';
export type { Lane } from '@readmit/domain';

/** Work as its call has it. */
export interface Work extends ClaimedWork {
  /** The database's clock, as far as it is known without asking. */
  now(): Date;
}

/** Asks the database whether the lease holds and the work is not cancelled. `began`: and records, before it answers yes, that a call is about to be made. */
export type Still = (about?: { readonly began?: boolean }) => Promise<boolean>;

/**
 * The part of one kind of work that talks to the outside. Stops at `signal`, asks `still` before every call to a target, and reports what
 * happened; what follows from it is decided by the rules.
 */
export type Call<Report> = (work: Work, facts: Facts, signal: AbortSignal, still: Still) => Promise<Report>;
/** A call for each kind of work of a process. */
export type Calls<Reports extends object> = { readonly [Kind in keyof Reports]: Call<Reports[Kind]> };

/** One kind of slow work: its rules and its call. */
export interface WorkHandler<Report = unknown> extends WorkRules<Report> {
  call(work: Work, facts: Facts, signal: AbortSignal, still: Still): Promise<Report>;
}

/** One aggregate that a transaction touched, for projections. */
export interface Change {
  readonly key: string;
  readonly facts: Facts;
  /** Facts that were new in this transaction, received or said. */
  readonly added: readonly Fact[];
  readonly rows: readonly unknown[];
}

/** Everything that makes a service: its process, the calls of its work, and the tables that it keeps in addition to facts. */
export interface ServiceDefinition extends ServiceProcess {
  readonly work: Readonly<Record<string, WorkHandler>>;
  /** Saves projections of a whole batch: a constant number of statements, whatever the number of changes. `now`: of the transaction, as rules have it. */
  save?(tx: Tx, changes: readonly Change[], now: Date): Promise<void>;
}

/** A process, run as a service: each kind of its work with its call. */
export function defineService<Reports extends object>(
  process: ServiceProcess<Reports>,
  { calls, save }: { readonly calls: Calls<Reports> } & Pick<ServiceDefinition, 'save'>,
): ServiceDefinition {
  const work: Record<string, WorkHandler> = {};
  for (const kind in process.work) work[kind] = { ...process.work[kind], call: calls[kind] };
  return { ...process, work, ...(save === undefined ? {} : { save }) };
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
  ): Promise<{ readonly reply: R } | { readonly refused: CommandRefusal }>;
  /** Facts of an aggregate, without a lock. */
  facts(key: string): Promise<Facts>;
}

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

/** A running service as its host sees it: HTTP, metrics, readiness, start and stop. */
export interface ServiceRuntime {
  readonly service: ServiceName;
  readonly parked: ParkedMessages;
  start(): Promise<void>;
  /** Fetches no more, finishes what is under way, closes. Resolves when nothing of it is left running. */
  stop(): Promise<void>;
  progress(): Promise<Progress>;
  /** Circuit breakers of this process that are open, since when; absent: it calls nothing. */
  openBreakers?(): readonly OpenBreaker[];
  /** Records that a request was refused before it reached a command. @throws {Error} it could not be recorded. */
  refuse(about: { readonly key: string; readonly name: string; readonly actor: string }, refusal: CommandRefusal): Promise<void>;
  /** Further counters of a service since its start, for its metrics: `signals_recorded` becomes `readmit_signals_recorded_total`. */
  readonly counts?: Readonly<Record<string, { readonly says: string; readonly value: number }>>;
  readonly counters: { batches: number; messages: number; statements: number; commits: number; events: number; parked: number };
}

/** Readiness by progress: lagging without progress is not ready. An open connection alone would hide a stuck consumer. */
export interface Progress {
  readonly ready: boolean;
  /** `null`: unknown, because topics that are to be consumed cannot be read. */
  readonly lag: number | null;
  readonly lastBatchAt: string | null;
  readonly workWaiting: number;
  readonly parked: number;
  readonly says: string;
}

/** The runtime of a service that keeps facts: message loop, workers, wakes and commands of one definition. */
export interface Engine extends ServiceRuntime, Commands {}
