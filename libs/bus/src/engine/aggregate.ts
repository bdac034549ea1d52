import type { Fact, ServiceName } from '@readmit/contracts';
import { Facts } from '@readmit/domain';

/** What led to something: goes on into the envelopes and the work that follow from it. */
export interface Origin {
  readonly causationId?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
}

/** A row of `touch`. */
export interface TouchedRow {
  readonly now: Date | null;
  readonly key: string;
  readonly version: string;
  readonly wake_at: Date | null;
  readonly deadline_said: Date | null;
  readonly facts: Fact[] | null;
  readonly work: string[] | null;
}

/** One aggregate under its lock, and what this transaction makes of it. */
export class Aggregate {
  readonly key: string;
  readonly version: number;
  readonly wakeWas: number | null;
  readonly saidWas: number | null;
  /** What `react` said last; `undefined` until it ran. */
  wakeAt: number | null | undefined;
  said: number | null;
  facts: Facts;
  readonly asked: Set<string>;
  readonly added: Fact[] = [];
  readonly rows: unknown[] = [];
  /** Facts that wait to join the set. */
  private arrived: Fact[] = [];
  private readonly ids: Set<string>;
  /** `react` must run. */
  stirred = false;
  nudged = false;
  rounds = 0;
  origin: Origin = {};

  constructor(row: TouchedRow) {
    const facts = row.facts ?? [];
    this.key = row.key;
    this.version = Number(row.version);
    this.wakeWas = row.wake_at?.getTime() ?? null;
    this.saidWas = row.deadline_said?.getTime() ?? null;
    this.said = this.saidWas;
    this.facts = new Facts(facts);
    this.ids = new Set(facts.map((fact) => fact.id));
    this.asked = new Set(row.work ?? []);
  }

  /** Joins the set; a repeated id is dropped. */
  join(fact: Fact, origin?: Origin): boolean {
    if (this.ids.has(fact.id)) return false;
    this.ids.add(fact.id);
    this.arrived.push(fact);
    this.added.push(fact);
    this.stirred = true;
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

/** Types that the engine itself says, one of each per service. */
export const engineTypes = (service: ServiceName) =>
  ({
    refused: `readmit.${service}.refused`,
    deadlineSet: `readmit.${service}.deadline-set`,
    parked: `readmit.${service}.message-parked`,
  }) as const;
