import type { Fact, ServiceName } from '@readmit/contracts';
import { Facts } from '@readmit/domain';
import type { Remembered } from './fact-cache.js';

/** What led to something; passed on to the envelopes and the work that follow from it. */
export interface Origin {
  readonly causationId?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

/** A row of the SQL function `touch`, which locks and loads aggregates. `facts` and `work` are null when the version is the one that was known. */
export interface LockedRow {
  readonly now: Date | null;
  readonly key: string;
  readonly version: string;
  readonly wake_at: Date | null;
  readonly deadline_said: Date | null;
  readonly trace: string | null;
  readonly facts: Fact[] | null;
  readonly work: string[] | null;
}

/** One aggregate under its lock, and what this transaction makes of it. */
export class Aggregate {
  readonly key: string;
  readonly version: number;
  readonly wakeWas: number | null;
  readonly deadlineWas: number | null;
  /** What `react` returned last; `undefined` until it ran. */
  wakeAt: number | null | undefined;
  deadline: number | null;
  facts: Facts;
  readonly added: Fact[] = [];
  private known: ReadonlySet<string>;
  private fresh: Set<string> | undefined;
  readonly rows: unknown[] = [];
  /** Facts that wait to join the set. */
  private arrived: Fact[] = [];
  /** `react` must run. */
  dirty = false;
  reminded = false;
  rounds = 0;
  /** Trace context of what began it, as stored. */
  readonly traceWas: string | null;
  private began: string | undefined;
  private ledBy: Origin = {};

  /** `remembered`: of the row's version. */
  constructor(row: LockedRow, remembered?: Remembered) {
    this.key = row.key;
    this.version = Number(row.version);
    this.wakeWas = row.wake_at?.getTime() ?? null;
    this.deadlineWas = row.deadline_said?.getTime() ?? null;
    this.deadline = this.deadlineWas;
    this.traceWas = row.trace;
    this.began = row.trace ?? undefined;
    this.facts = remembered?.facts ?? new Facts(row.facts ?? []);
    this.known = remembered?.asked ?? new Set(row.work ?? []);
  }

  /** Ids of all work that was ever requested. */
  get asked(): ReadonlySet<string> {
    return this.known;
  }

  /** Facts or work were added: cached copies are stale. */
  get changed(): boolean {
    return this.added.length > 0 || this.fresh !== undefined;
  }

  get versionAfter(): number {
    return this.changed ? this.version + 1 : this.version;
  }

  /** Its state once this transaction is committed. */
  toRemember(): Remembered {
    return { version: this.versionAfter, facts: this.current(), asked: this.known };
  }

  /** Trace context of what began it: the first that led to anything here. */
  get trace(): string | undefined {
    return this.began;
  }

  /** What causes the events that are emitted now. Its trace is always the one that the aggregate began in: a case is one trace, no matter who sends commands. */
  get origin(): Origin {
    const { began, ledBy } = this;
    return began === undefined || inTrace(ledBy.traceparent, began) ? ledBy : { ...ledBy, traceparent: began };
  }
  set origin(origin: Origin) {
    this.ledBy = origin;
    this.began ??= origin.traceparent;
  }

  ask(id: string): void {
    if (!this.fresh) this.known = this.fresh = new Set(this.known);
    this.fresh.add(id);
  }

  /** Joins the set; one that is there already is dropped. */
  join(fact: Fact, origin?: Origin): boolean {
    if (this.facts.includes(fact) || this.arrived.some(({ id, type }) => id === fact.id && type === fact.type)) return false;
    this.arrived.push(fact);
    this.added.push(fact);
    this.dirty = true;
    if (origin) this.origin = origin;
    return true;
  }

  /** The set with everything that has joined. */
  current(): Facts {
    if (this.arrived.length > 0) {
      this.facts = this.facts.with(this.arrived);
      this.arrived = [];
    }
    return this.facts;
  }
}

/** Whether both belong to one trace: `00-<trace id>-<span id>-<flags>`. */
export const inTrace = (traceparent: string | undefined, trace: string): boolean => traceparent?.slice(3, 35) === trace.slice(3, 35);

/** Types that the engine itself emits, one of each per service. */
export const engineTypes = (service: ServiceName) =>
  ({
    refused: `readmit.${service}.refused`,
    deadlineSet: `readmit.${service}.deadline-set`,
    parked: `readmit.${service}.message-parked`,
  }) as const;
