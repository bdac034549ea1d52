/**
 * The services in memory: their real definitions (rules, keys, what they consume, handlers of slow work) on a bus and an engine of a few
 * lines, so that a run of minutes takes milliseconds. Events come in any order, some twice; calls fail, workers die between call and
 * result. What the real engine and the real bus keep is proved in libs/runtime and libs/bus; here the rules are.
 */
import type { ServiceDefinition } from '@readmit/runtime';
import { entryOf, keyOf, type Draft, type Fact, type ServiceName } from '@readmit/contracts';
import { Facts, type Command, type Context } from '@readmit/domain';
import { schemaViolation } from '@readmit/signing';
import { newRow, tryOnce, type Surroundings, type WorkRow } from '../execution/try-once.js';
import { crypto } from './cast.js';

interface Desk {
  readonly definition: ServiceDefinition;
  readonly facts: Map<string, Facts>;
  readonly rows: Map<string, WorkRow>;
  /** Deadlines by aggregate, as the service last said them. */
  readonly wakes: Map<string, number>;
}
export interface Said {
  readonly fact: Fact;
  readonly key: string;
  readonly by: ServiceName;
  /** Signed with a stolen key: the service itself knows nothing of it. */
  readonly forged: boolean;
}
/** More than an honest run with every fault takes; a run that needs more does not come to rest. */
export const mostMoves = 20_000;
const mostRounds = 20;

export class Installation {
  now = new Date('2026-11-22T09:00:00.000Z');
  readonly said: Said[] = [];
  moves = 0;
  /** Set by what is called: its worker is killed, and whatever the call came to is lost. */
  workerLost = false;
  private readonly desks: ReadonlyMap<ServiceName, Desk>;
  private readonly queue: Said[] = [];
  private readonly recorded = new Set<string>();
  private count = 0;

  constructor(
    definitions: readonly ServiceDefinition[],
    private readonly random: () => number,
    /** Called before each move: where a thief acts. */
    private readonly meanwhile: () => void = () => {},
  ) {
    this.desks = new Map(
      definitions.map((definition) => [definition.name, { definition, facts: new Map(), rows: new Map(), wakes: new Map() }]),
    );
  }

  newId = (): string => String(++this.count).padStart(16, '0');
  facts = (service: ServiceName, key: string): Facts => this.deskOf(service).facts.get(key) ?? new Facts([]);
  /** Facts of the type that were said by who may say them, or by a thief too. */
  of<T extends Fact['type']>(type: T, forged = false): readonly Extract<Fact, { type: T }>[] {
    return this.said
      .filter((one) => (forged || !one.forged) && one.fact.type === type)
      .map(({ fact }) => fact as Extract<Fact, { type: T }>);
  }

  private deskOf(service: ServiceName): Desk {
    const desk = this.desks.get(service);
    if (!desk) throw new Error(`this is a bug: ${service} is not here`);
    return desk;
  }
  private context(desk: Desk, key: string, locked: readonly string[]): Context {
    return {
      ...{ now: this.now, key, crypto, newId: (prefix: string) => `${prefix}_${this.newId()}` },
      work: new Set([...desk.rows.values()].filter((row) => row.key === key).map(({ draft }) => draft.id)),
      other: (other) => (locked.includes(other) ? (desk.facts.get(other) ?? new Facts([])) : new Facts([])),
    };
  }

  /** What a service says by itself: kept in its own sets, sent to all others. */
  say(service: ServiceName, drafts: readonly Draft[], locked: readonly string[] = []): void {
    const desk = this.desks.get(service);
    for (const draft of drafts) {
      if (entryOf(draft.type).producer !== service) throw new Error(`this is a bug: ${service} said ${draft.type}`);
      const wrong = schemaViolation(draft.type, draft.data);
      if (wrong !== undefined) throw new Error(`${service} said ${draft.type}, which breaks its schema: ${wrong}`);
      const fact = { id: `event_${this.newId()}`, type: draft.type, at: this.now.toISOString(), data: structuredClone(draft.data) } as Fact;
      if (desk) {
        join(desk, draft.key, fact);
        for (const key of desk.definition.keysOf?.(fact, keyOf(fact)) ?? []) if (locked.includes(key)) join(desk, key, fact);
      }
      this.send({ fact, key: draft.key, by: service, forged: false });
    }
  }
  /** What a thief signs with the key of a service: on its topic, unknown to itself. */
  forge(service: ServiceName, fact: Fact, key: string): void {
    this.send({ fact, key, by: service, forged: true });
  }

  private send(said: Said): void {
    this.said.push(said);
    this.queue.push(said);
    // Half-way down the topic an old record may lie once more.
    if (this.random() < 0.05) this.queue.push(said);
    // Audit logs what it hears once, and tells execution of what that waits for. A thief's event is in the log like any other.
    const { fact, key } = said;
    const name = `${fact.type} ${fact.id}`;
    if (said.by === 'audit' || !entryOf(fact.type).gate || this.recorded.has(name)) return;
    this.recorded.add(name);
    const data = { caseId: key, eventId: fact.id, type: fact.type, index: this.recorded.size };
    this.say('audit', [{ type: 'readmit.audit.recorded', key, data }]);
  }

  /** A person's command at a service. */
  command<R>(service: ServiceName, key: string, command: Command<R>): { readonly refused?: string } {
    const desk = this.deskOf(service);
    const outcome = command(this.facts(service, key), this.context(desk, key, [key]));
    if (outcome.refused) return { refused: outcome.reason };
    this.say(service, outcome.emit, [key]);
    this.conclude(desk, [key]);
    return {};
  }
  /** What a person's command leaves on record, where the command itself is of no interest. */
  commanded(service: ServiceName, draft: Draft): void {
    this.say(service, [draft], [draft.key]);
    this.conclude(this.deskOf(service), [draft.key]);
  }

  private hear(desk: Desk, { fact, by }: Said): void {
    const { definition } = desk;
    if (by === definition.name && !definition.consumes.includes(fact.type)) return;
    if (definition.wakes === 'deadline' && fact.type === 'readmit.deadline.reached') {
      if (fact.data.owner === definition.name && desk.facts.has(fact.data.key)) this.conclude(desk, [fact.data.key]);
      return;
    }
    if (!definition.consumes.includes(fact.type)) return;
    const keys = definition.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)];
    for (const one of keys) join(desk, one, fact);
    this.conclude(desk, keys);
  }

  private conclude(desk: Desk, keys: readonly string[]): void {
    for (const key of keys) {
      const { name, wakes } = desk.definition;
      for (let rounds = 0; ; rounds++) {
        if (rounds > mostRounds) throw new Error(`${name} does not come to rest on ${key}`);
        const before = desk.facts.get(key) ?? new Facts([]);
        const reaction = desk.definition.react(before, this.context(desk, key, keys));
        let fresh = reaction.emit.length > 0;
        this.say(name, reaction.emit, keys);
        for (const draft of reaction.work ?? []) {
          if (desk.rows.has(draft.id)) continue;
          fresh = true;
          desk.rows.set(draft.id, newRow(draft, key));
        }
        for (const id of reaction.cancel ?? []) {
          const row = desk.rows.get(id);
          if (row && row.state !== 'done') row.state = 'cancelled';
        }
        if (fresh) continue;
        this.wake(desk, key, reaction.wakeAt?.getTime(), wakes);
        break;
      }
    }
  }
  private wake(desk: Desk, key: string, at: number | undefined, by: ServiceDefinition['wakes']): void {
    if (at === undefined) {
      desk.wakes.delete(key);
      return;
    }
    // One in the past was just served.
    const next = by === 'timer' ? Math.max(at, this.now.getTime() + 1000) : at;
    if (desk.wakes.get(key) === next) return;
    desk.wakes.set(key, next);
    if (by === 'timer') return;
    const data = { key, deadline: new Date(next).toISOString() };
    this.say(desk.definition.name, [{ type: `readmit.${desk.definition.name}.deadline-set`, key, data } as Draft]);
  }

  /** Delivers and works in the order of the seed until nothing is to be done now, or so many moves were made. */
  async settle(most = Infinity): Promise<void> {
    for (let made = 0; made < most; made++) {
      if (++this.moves > mostMoves) throw new Error(`the system does not come to rest: ${mostMoves} moves`);
      this.meanwhile();
      const ready = [...this.desks.values()].flatMap((desk) =>
        [...desk.rows.values()].filter((row) => this.isReady(row)).map((row) => ({ desk, row })),
      );
      if (this.queue.length === 0 && ready.length === 0) return;
      if (this.queue.length === 0 || (ready.length > 0 && this.random() < 0.2)) {
        const chosen = ready[Math.floor(this.random() * ready.length)];
        if (chosen) await this.perform(chosen.desk, chosen.row);
      } else this.deliver();
    }
  }
  private deliver(): void {
    const [said] = this.queue.splice(Math.floor(this.random() * this.queue.length), 1);
    if (said) for (const desk of this.desks.values()) this.hear(desk, said);
  }
  private isReady = (row: WorkRow): boolean => row.state === 'waiting' && row.notBefore <= this.now;

  private async perform(desk: Desk, row: WorkRow): Promise<void> {
    if ((await tryOnce(row, this.around(desk))) === 'lost') row.notBefore = new Date(this.now.getTime() + 10_000);
  }
  private around(desk: Desk): Surroundings {
    const locked = (row: WorkRow): string[] => [row.key, ...row.alsoKeys];
    return {
      handlers: desk.definition.work,
      now: () => this.now,
      look: (row) => ({ facts: desk.facts.get(row.key) ?? new Facts([]), context: this.context(desk, row.key, locked(row)) }),
      say: (row, drafts) => {
        this.say(desk.definition.name, drafts, locked(row));
        this.conclude(desk, [row.key]);
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

  /** Moves the clock from one thing that is due to the next, and settles at each, until the instant. */
  async advanceTo(until: Date): Promise<void> {
    for (;;) {
      await this.settle();
      const next = this.nextAt();
      if (next === undefined || next > until.getTime()) break;
      this.now = new Date(Math.max(next, this.now.getTime()));
      const scheduler = this.desks.get('revocation-scheduler');
      for (const [key, at] of scheduler?.wakes ?? []) {
        if (!scheduler || at > this.now.getTime()) continue;
        scheduler.wakes.delete(key);
        this.conclude(scheduler, [key]);
      }
    }
    this.now = until;
    await this.settle();
  }
  private nextAt(): number | undefined {
    const waits = [...this.desks.values()].flatMap((desk) => [
      ...[...desk.rows.values()].filter(({ state }) => state === 'waiting').map(({ notBefore }) => notBefore.getTime()),
      ...(desk.definition.wakes === 'timer' ? [...desk.wakes.values()] : []),
    ]);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}

function join(desk: Desk, key: string, fact: Fact): void {
  const facts = desk.facts.get(key) ?? new Facts([]);
  if (!facts.includes(fact)) desk.facts.set(key, facts.with([fact]));
}
