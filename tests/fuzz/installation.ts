/**
 * The services in memory: their real definitions (rules, keys, consumed events, handlers of slow work) on a bus and an engine of a few
 * lines, so that a run of minutes takes milliseconds. Events arrive in any order, some twice; calls fail, workers die between call and
 * result. This tests the rules; what the real engine and bus guarantee is tested in libs/runtime and libs/bus.
 */
import type { ServiceDefinition } from '@readmit/runtime';
import { entryOf, keyOf, type Draft, type Fact, type ServiceName } from '@readmit/contracts';
import { Facts, type Command, type Context } from '@readmit/domain';
import { schemaViolation } from '@readmit/signing';
import { newRow, tryOnce, type Surroundings, type WorkRow } from '../execution/try-once.js';
import { crypto } from './cast.js';

interface ServiceState {
  readonly definition: ServiceDefinition;
  readonly facts: Map<string, Facts>;
  readonly rows: Map<string, WorkRow>;
  /** The latest deadline of each aggregate. */
  readonly wakes: Map<string, number>;
}
export interface Published {
  readonly fact: Fact;
  readonly key: string;
  readonly by: ServiceName;
  /** Signed with a stolen key: the service itself does not know it. */
  readonly forged: boolean;
}
/** More than a run without a thief takes, with every fault; a run that needs more does not end. */
export const maxMoves = 20_000;
const maxRounds = 20;

export class Installation {
  now = new Date('2026-11-22T09:00:00.000Z');
  readonly published: Published[] = [];
  moves = 0;
  /** Set during a call: its worker is killed, and the result of the call is lost. */
  workerLost = false;
  private readonly services: ReadonlyMap<ServiceName, ServiceState>;
  private readonly queue: Published[] = [];
  private readonly recorded = new Set<string>();
  private count = 0;

  constructor(
    definitions: readonly ServiceDefinition[],
    private readonly random: () => number,
    /** Called before each move; the thief acts here. */
    private readonly meanwhile: () => void = () => {},
  ) {
    this.services = new Map(
      definitions.map((definition) => [definition.name, { definition, facts: new Map(), rows: new Map(), wakes: new Map() }]),
    );
  }

  newId = (): string => String(++this.count).padStart(16, '0');
  facts = (service: ServiceName, key: string): Facts => this.stateOf(service).facts.get(key) ?? new Facts([]);
  /** Facts of the type, without or with forged ones. */
  of<T extends Fact['type']>(type: T, forged = false): readonly Extract<Fact, { type: T }>[] {
    return this.published
      .filter((one) => (forged || !one.forged) && one.fact.type === type)
      .map(({ fact }) => fact as Extract<Fact, { type: T }>);
  }

  private stateOf(service: ServiceName): ServiceState {
    const state = this.services.get(service);
    if (!state) throw new Error(`this is a bug: there is no ${service}`);
    return state;
  }
  private context(state: ServiceState, key: string, locked: readonly string[]): Context {
    return {
      ...{ now: this.now, key, crypto, newId: (prefix: string) => `${prefix}_${this.newId()}` },
      work: new Set([...state.rows.values()].filter((row) => row.key === key).map(({ draft }) => draft.id)),
      other: (other) => (locked.includes(other) ? (state.facts.get(other) ?? new Facts([])) : new Facts([])),
    };
  }

  /** Events of a service: added to its own facts and sent to all others. */
  publish(service: ServiceName, drafts: readonly Draft[], locked: readonly string[] = []): void {
    const state = this.services.get(service);
    for (const draft of drafts) {
      if (entryOf(draft.type).producer !== service) throw new Error(`this is a bug: ${service} published ${draft.type}`);
      const violation = schemaViolation(draft.type, draft.data);
      if (violation !== undefined) throw new Error(`${service} published ${draft.type}, which violates its schema: ${violation}`);
      const fact = { id: `event_${this.newId()}`, type: draft.type, at: this.now.toISOString(), data: structuredClone(draft.data) } as Fact;
      if (state) {
        join(state, draft.key, fact);
        for (const key of state.definition.keysOf?.(fact, keyOf(fact)) ?? []) if (locked.includes(key)) join(state, key, fact);
      }
      this.send({ fact, key: draft.key, by: service, forged: false });
    }
  }
  /** An event that a thief signs with the key of a service: on its topic, but unknown to the service. */
  forge(service: ServiceName, fact: Fact, key: string): void {
    this.send({ fact, key, by: service, forged: true });
  }

  private send(event: Published): void {
    this.published.push(event);
    this.queue.push(event);
    // A record may be on the topic twice.
    if (this.random() < 0.05) this.queue.push(event);
    // Audit logs each event once, and publishes the ones for which execution waits. A thief's event is logged like any other.
    const { fact, key } = event;
    const name = `${fact.type} ${fact.id}`;
    if (event.by === 'audit' || !entryOf(fact.type).gate || this.recorded.has(name)) return;
    this.recorded.add(name);
    const data = { caseId: key, eventId: fact.id, type: fact.type, index: this.recorded.size };
    this.publish('audit', [{ type: 'readmit.audit.recorded', key, data }]);
  }

  /** A person's command to a service. */
  command<R>(service: ServiceName, key: string, command: Command<R>): { readonly refused?: string } {
    const state = this.stateOf(service);
    const outcome = command(this.facts(service, key), this.context(state, key, [key]));
    if (outcome.refused) return { refused: outcome.reason };
    this.publish(service, outcome.emit, [key]);
    this.react(state, [key]);
    return {};
  }
  /** The event of a person's command, without running the command itself. */
  commanded(service: ServiceName, draft: Draft): void {
    this.publish(service, [draft], [draft.key]);
    this.react(this.stateOf(service), [draft.key]);
  }

  private receive(state: ServiceState, { fact, by }: Published): void {
    const { definition } = state;
    if (by === definition.name && !definition.consumes.includes(fact.type)) return;
    if (definition.wakes === 'deadline' && fact.type === 'readmit.deadline.reached') {
      if (fact.data.owner === definition.name && state.facts.has(fact.data.key)) this.react(state, [fact.data.key]);
      return;
    }
    if (!definition.consumes.includes(fact.type)) return;
    const keys = definition.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)];
    for (const one of keys) join(state, one, fact);
    this.react(state, keys);
  }

  private react(state: ServiceState, keys: readonly string[]): void {
    for (const key of keys) {
      const { name, wakes } = state.definition;
      for (let rounds = 0; ; rounds++) {
        if (rounds > maxRounds) throw new Error(`the reactions of ${name} on ${key} do not end`);
        const before = state.facts.get(key) ?? new Facts([]);
        const reaction = state.definition.react(before, this.context(state, key, keys));
        let fresh = reaction.emit.length > 0;
        this.publish(name, reaction.emit, keys);
        for (const draft of reaction.work ?? []) {
          if (state.rows.has(draft.id)) continue;
          fresh = true;
          state.rows.set(draft.id, newRow(draft, key));
        }
        for (const id of reaction.cancel ?? []) {
          const row = state.rows.get(id);
          if (row && row.state !== 'done') row.state = 'cancelled';
        }
        if (fresh) continue;
        this.wake(state, key, reaction.wakeAt?.getTime(), wakes);
        break;
      }
    }
  }
  private wake(state: ServiceState, key: string, at: number | undefined, by: ServiceDefinition['wakes']): void {
    if (at === undefined) {
      state.wakes.delete(key);
      return;
    }
    // One in the past has just been handled.
    const next = by === 'timer' ? Math.max(at, this.now.getTime() + 1000) : at;
    if (state.wakes.get(key) === next) return;
    state.wakes.set(key, next);
    if (by === 'timer') return;
    const data = { key, deadline: new Date(next).toISOString() };
    this.publish(state.definition.name, [{ type: `readmit.${state.definition.name}.deadline-set`, key, data } as Draft]);
  }

  /** Delivers events and works, in an order from the seed, until nothing is left to do now or after that many moves. */
  async settle(limit = Infinity): Promise<void> {
    for (let moves = 0; moves < limit; moves++) {
      if (++this.moves > maxMoves) throw new Error(`the system does not come to rest in ${maxMoves} moves`);
      this.meanwhile();
      const ready = [...this.services.values()].flatMap((state) =>
        [...state.rows.values()].filter((row) => this.isReady(row)).map((row) => ({ state, row })),
      );
      if (this.queue.length === 0 && ready.length === 0) return;
      if (this.queue.length === 0 || (ready.length > 0 && this.random() < 0.2)) {
        const chosen = ready[Math.floor(this.random() * ready.length)];
        if (chosen) await this.perform(chosen.state, chosen.row);
      } else this.deliver();
    }
  }
  private deliver(): void {
    const [event] = this.queue.splice(Math.floor(this.random() * this.queue.length), 1);
    if (event) for (const state of this.services.values()) this.receive(state, event);
  }
  private isReady = (row: WorkRow): boolean => row.state === 'waiting' && row.notBefore <= this.now;

  private async perform(state: ServiceState, row: WorkRow): Promise<void> {
    if ((await tryOnce(row, this.surroundings(state))) === 'lost') row.notBefore = new Date(this.now.getTime() + 10_000);
  }
  private surroundings(state: ServiceState): Surroundings {
    const locked = (row: WorkRow): string[] => [row.key, ...row.alsoKeys];
    return {
      handlers: state.definition.work,
      now: () => this.now,
      look: (row) => ({ facts: state.facts.get(row.key) ?? new Facts([]), context: this.context(state, row.key, locked(row)) }),
      emit: (row, drafts) => {
        this.publish(state.definition.name, drafts, locked(row));
        this.react(state, [row.key]);
      },
      still: () => true,
      meanwhile: () => {
        for (let more = Math.floor(this.random() * 3); more > 0; more--) this.deliver();
      },
      lost: () => {
        const lost = this.random() < 0.05 || this.workerLost;
        this.workerLost = false;
        return lost;
      },
    };
  }

  /** Moves the clock to each time at which something is due, until the given time, and settles at each. */
  async advanceTo(until: Date): Promise<void> {
    for (;;) {
      await this.settle();
      const next = this.nextAt();
      if (next === undefined || next > until.getTime()) break;
      this.now = new Date(Math.max(next, this.now.getTime()));
      const scheduler = this.services.get('revocation-scheduler');
      for (const [key, at] of scheduler?.wakes ?? []) {
        if (!scheduler || at > this.now.getTime()) continue;
        scheduler.wakes.delete(key);
        this.react(scheduler, [key]);
      }
    }
    this.now = until;
    await this.settle();
  }
  private nextAt(): number | undefined {
    const waits = [...this.services.values()].flatMap((state) => [
      ...[...state.rows.values()].filter(({ state }) => state === 'waiting').map(({ notBefore }) => notBefore.getTime()),
      ...(state.definition.wakes === 'timer' ? [...state.wakes.values()] : []),
    ]);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}

function join(state: ServiceState, key: string, fact: Fact): void {
  const facts = state.facts.get(key) ?? new Facts([]);
  if (!facts.includes(fact)) state.facts.set(key, facts.with([fact]));
}
