/**
 * What one transaction decides, in memory and synchronously: facts join their sets, `react` runs until nothing new follows, and the events,
 * work and cancellations are collected for the few statements that save them.
 */
import { entryOf, isKey, keyOf, type Draft, type Fact, type ServiceName } from '@readmit/contracts';
import { Facts, type Context, type WorkDraft } from '@readmit/domain';
import type { ServiceDefinition } from './service-definition.js';
import { engineCrypto as crypto, schemaViolation } from '@readmit/signing';
import { unstorableText } from '@readmit/platform';
import { Aggregate, engineTypes, type Origin, type LockedRow } from './aggregate.js';
import { byHandler, HandlerFailed } from './handler-errors.js';
import type { EmittedEvent } from './observer.js';
import { FactCache } from './fact-cache.js';

/** More rounds than any rule needs: a rule that takes more emits what its set already holds. */
export const maxRounds = 20;
const never = new Facts([]);

export interface Emitted {
  readonly id: string;
  readonly at: string;
  readonly draft: Draft;
  readonly text: string;
  readonly origin: Origin;
}
export interface Asked {
  readonly key: string;
  readonly draft: WorkDraft;
  readonly origin: Origin;
}

export class Changeset {
  readonly now: Date;
  readonly at: string;
  readonly aggregates = new Map<string, Aggregate>();
  readonly emitted: Emitted[] = [];
  readonly asked = new Map<string, Asked>();
  readonly cancelled = new Set<string>();
  /** Causes of the facts that were received, by id. */
  readonly causes = new Map<string, string | undefined>();

  constructor(
    private readonly definition: ServiceDefinition,
    private readonly newId: () => string,
    rows: readonly LockedRow[],
    remembered: FactCache = new FactCache(),
  ) {
    const now = rows[0]?.now;
    if (!now) throw new Error('this is a bug: the database returned no clock');
    this.now = now;
    this.at = now.toISOString();
    for (const row of rows)
      if (row.now === null) this.aggregates.set(row.key, new Aggregate(row, remembered.get(row.key, Number(row.version))));
  }

  get service(): ServiceName {
    return this.definition.name;
  }

  aggregate(key: string): Aggregate {
    const found = this.aggregates.get(key);
    if (!found) throw new Error(`this is a bug: aggregate ${key} is not locked`);
    return found;
  }

  /** The emitted events, for the observer. */
  emittedEvents(): readonly EmittedEvent[] {
    return this.emitted.map(({ draft, at }) => ({ ...draft, at, facts: this.aggregates.get(draft.key)?.current() ?? never }));
  }

  contextOf(aggregate: Aggregate): Context {
    return {
      now: this.now,
      key: aggregate.key,
      newId: (prefix) => `${prefix}_${this.newId()}`,
      crypto,
      work: aggregate.asked,
      other: (key) => this.aggregates.get(key)?.current() ?? never,
    };
  }

  /** Adds a fact that arrived; one call for each aggregate that stores it. */
  receive(key: string, fact: Fact, origin: Origin): void {
    if (this.aggregate(key).join(fact, { ...origin, causationId: fact.id })) this.causes.set(fact.id, origin.causationId);
  }

  /**
   * Emits events for the aggregate: they join its set, and the sets of other locked aggregates that they belong to. All other aggregates
   * receive own types that the service lists in `consumes` from its topic.
   */
  emit(aggregate: Aggregate, drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      const fact = this.write(draft, aggregate.origin);
      aggregate.join(fact);
      for (const key of byHandler('keysOf', () => this.definition.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)])) {
        if (key !== aggregate.key) this.aggregates.get(key)?.join(fact, aggregate.origin);
      }
    }
  }

  /** Emits an event that no set stores: refusals, deadlines, parked messages. */
  announce(draft: Draft, origin: Origin): void {
    this.write(draft, origin);
  }

  ask(aggregate: Aggregate, drafts: readonly WorkDraft[] | undefined): boolean {
    let fresh = false;
    for (const draft of drafts ?? []) {
      if (aggregate.asked.has(draft.id)) continue;
      if (!this.definition.work[draft.kind]) throw new HandlerFailed(`${this.service} has no worker for ${draft.kind} (work ${draft.id})`);
      aggregate.ask(draft.id);
      this.asked.set(draft.id, { key: aggregate.key, draft, origin: aggregate.origin });
      fresh = true;
    }
    return fresh;
  }

  cancel(ids: readonly string[] | undefined): void {
    for (const id of ids ?? []) this.cancelled.add(id);
  }

  /** Runs `react` on every dirty aggregate until nothing new follows. */
  conclude(): void {
    for (const aggregate of this.aggregates.values()) aggregate.rounds = 0;
    for (let again = true; again;) {
      again = false;
      for (const aggregate of this.aggregates.values()) {
        while (aggregate.dirty) {
          again = true;
          this.react(aggregate);
        }
      }
    }
  }

  /** When nothing more is decided: emits the deadlines that have changed. */
  settle(): void {
    this.conclude();
    for (const aggregate of this.aggregates.values()) this.wake(aggregate);
  }

  private react(aggregate: Aggregate): void {
    if (++aggregate.rounds > maxRounds)
      throw new HandlerFailed(`this is a bug: react of ${this.service} did not settle on ${aggregate.key} after ${maxRounds} rounds`);
    const facts = aggregate.current();
    aggregate.dirty = false;
    const reaction = byHandler('react', () => this.definition.react(facts, this.contextOf(aggregate)));
    this.emit(aggregate, reaction.emit);
    if (this.ask(aggregate, reaction.work)) aggregate.dirty = true;
    this.cancel(reaction.cancel);
    const wake = reaction.wakeAt?.getTime() ?? null;
    if (wake !== null && Number.isNaN(wake))
      throw new HandlerFailed(`react of ${this.service} returned an invalid wakeAt (${aggregate.key})`);
    aggregate.wakeAt = wake;
  }

  /** A wake-up in the past was just processed: if it had no effect, a second later is soon enough. */
  private wake(aggregate: Aggregate): void {
    const { wakeAt } = aggregate;
    if (wakeAt === undefined) return;
    if (this.definition.wakes === 'timer') {
      if (wakeAt !== null && wakeAt <= this.now.getTime()) aggregate.wakeAt = this.now.getTime() + 1_000;
      return;
    }
    const early = aggregate.reminded && wakeAt !== null && wakeAt > this.now.getTime();
    if (wakeAt === aggregate.deadline && !early) return;
    aggregate.deadline = wakeAt;
    const deadline = wakeAt === null ? null : new Date(wakeAt).toISOString();
    this.announce(
      { type: engineTypes(this.service).deadlineSet, key: aggregate.key, data: { key: aggregate.key, deadline } },
      aggregate.origin,
    );
  }

  private write(draft: Draft, origin: Origin): Fact {
    const { type, key } = draft;
    const of = `${this.service} emitted ${type} for ${key}`;
    if (entryOf(type).producer !== this.service) throw new HandlerFailed(`${of}, which belongs to ${entryOf(type).producer}`);
    if (!isKey(key)) throw new HandlerFailed(`${of}: not a key`);
    const text = JSON.stringify(draft.data);
    // Parsed again: what is saved here is exactly what all consumers will read.
    const data = JSON.parse(text) as unknown;
    const violation = schemaViolation(type, data) ?? unstorableText(data);
    if (violation !== undefined) throw new HandlerFailed(`${of}, which breaks its schema: ${violation}`);
    const id = this.newId();
    this.emitted.push({ id, at: this.at, draft, text, origin });
    this.causes.set(id, origin.causationId);
    return { id, type, at: this.at, data } as Fact;
  }
}
