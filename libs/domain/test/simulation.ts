/**
 * The processes of the services on a minimal bus and engine: no database, a clock that is passed in, and simulated calls. Each
 * service gets the types that it consumes, under its own keys, in an order and as often as the seed says.
 */
import { entryOf, keyOf, type Draft, type EventType, type Fact, type ServiceName } from '@readmit/contracts';
import {
  Facts,
  instant,
  draft,
  type Command,
  type Context,
  type CallOutcome,
  type CommandRefusal,
  type ServiceProcess,
  type Work,
  type WorkDraft,
} from '../src/index.js';
import { crypto } from './cast.js';

/** Audit has no process here: it records what the gate waits for as soon as it is emitted. */
export type Service = Exclude<ServiceName, 'audit'>;

/** The calls to other systems. `still`: whether the work may continue, checked before each step, as a service checks its lease. */
export type SimulatedCalls<Reports extends object> = {
  readonly [Kind in keyof Reports]: (work: Work, facts: Facts, still: () => boolean) => CallOutcome<Reports[Kind]>;
};

export interface Desk {
  readonly process: ServiceProcess;
  readonly calls: SimulatedCalls<Record<string, unknown>>;
  /** Facts to deliver to it. A deadline only makes `react` run again, unless the service has its own timer. */
  readonly consumes: ReadonlySet<EventType>;
  readonly facts: Map<string, Facts>;
  readonly wakes: Map<string, number>;
  /** All work that was ever requested, by aggregate. */
  readonly asked: Map<string, Set<string>>;
}
export const deskOf = <Reports extends object>(process: ServiceProcess<Reports>, calls: SimulatedCalls<Reports>): Desk => ({
  process,
  calls,
  consumes: new Set(process.consumes.filter((type) => process.wakes === 'timer' || type !== 'readmit.deadline.reached')),
  facts: new Map(),
  wakes: new Map(),
  asked: new Map(),
});

/** Work that waits or is in progress. */
interface Row {
  readonly desk: Desk;
  work: Work;
  notBefore: Date;
  cancelled: boolean;
}
const none = new Facts([]);

export class Simulation {
  now = new Date('2026-11-22T09:00:00.000Z');
  readonly log: { readonly fact: Fact; readonly key: string; readonly by: ServiceName }[] = [];
  auditUp = true;
  protected readonly queue: { readonly desk: Desk; readonly fact: Fact; readonly key: string }[] = [];
  private readonly rows: Row[] = [];
  private count = 0;

  constructor(
    private readonly desks: Readonly<Record<Service, Desk>>,
    private readonly random: () => number,
  ) {}

  newId = (prefix: string): string => `${prefix}_${String(++this.count).padStart(5, '0')}`;
  facts(service: Service, key: string): Facts {
    return this.desks[service].facts.get(key) ?? none;
  }
  context(service: Service, key: string): Context {
    return this.contextOf(this.desks[service], key, [key]);
  }
  private contextOf({ facts, asked }: Desk, key: string, locked: readonly string[]): Context {
    return {
      now: this.now,
      key,
      newId: this.newId,
      crypto,
      work: asked.get(key) ?? new Set(),
      other: (other) => (locked.includes(other) ? (facts.get(other) ?? none) : none),
    };
  }
  /** Aggregates of the service that have facts. */
  protected keysAt(service: Service): readonly string[] {
    return [...this.desks[service].facts.keys()];
  }
  /** Every fact of the type that was ever emitted. */
  emitted<T extends Fact['type']>(type: T): Extract<Fact, { type: T }>[] {
    return this.log.map(({ fact }) => fact).filter((fact): fact is Extract<Fact, { type: T }> => fact.type === type);
  }

  /** Emits an event that no rule of the service has emitted; its rules continue from it. */
  emit(by: ServiceName, drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      if (by === 'audit') this.publish(by, draft);
      else {
        const fact = this.publish(by, draft);
        this.take(this.desks[by], fact);
      }
    }
  }
  command<R>(service: Service, key: string, command: Command<R>): { reply?: R; refused?: string } {
    const desk = this.desks[service];
    const outcome = command(this.facts(service, key), this.context(service, key));
    if (outcome.refused) return { refused: outcome.reason };
    this.say(desk, key, outcome.emit, [key]);
    this.ask(desk, key, outcome.work ?? []);
    this.conclude(desk, [key]);
    const { refusal } = outcome.reply as { readonly refusal?: CommandRefusal };
    return refusal ? { refused: refusal.reason } : { reply: outcome.reply };
  }

  /** Events of a service: added to its own sets, if they are locked, and delivered to every consumer. */
  private say(desk: Desk, key: string, drafts: readonly Draft[], locked: readonly string[]): void {
    for (const draft of drafts) {
      const fact = this.publish(desk.process.name, draft);
      for (const other of new Set([key, ...keysOf(desk, fact)])) if (other === key || locked.includes(other)) join(desk, other, fact);
    }
  }
  private publish(by: ServiceName, { type, key, data }: Draft): Fact {
    if (entryOf(type).producer !== by) throw new Error(`this is a bug: ${by} says ${type}`);
    const fact = { id: this.newId('event'), type, at: instant(this.now), data } as Fact;
    this.log.push({ fact, key, by });
    for (const desk of Object.values(this.desks)) {
      if (desk.process.name === by || !(desk.consumes.has(type) || reminds(desk, fact))) continue;
      for (let copies = this.random() < 0.1 ? 2 : 1; copies > 0; copies--) this.queue.push({ desk, fact, key });
    }
    if (entryOf(type).gate && this.auditUp)
      this.publish('audit', draft('readmit.audit.recorded', key, { caseId: key, eventId: fact.id, type, index: this.log.length }));
    return fact;
  }
  protected take(desk: Desk, fact: Fact): void {
    if (reminds(desk, fact)) {
      this.conclude(desk, [fact.data.key]);
      return;
    }
    const keys = keysOf(desk, fact);
    for (const one of keys) join(desk, one, fact);
    this.conclude(desk, keys);
  }

  /** Runs `react` on the aggregates until nothing follows, then announces changed deadlines. */
  private conclude(desk: Desk, keys: readonly string[]): void {
    const wakes = new Map<string, Date | null>();
    for (const key of keys)
      for (let again = true, round = 0; again; round++) {
        if (round > 50) throw new Error(`${desk.process.name} does not come to rest on ${key}`);
        const {
          emit,
          work = [],
          cancel = [],
          wakeAt = null,
        } = desk.process.react(desk.facts.get(key) ?? none, this.contextOf(desk, key, keys));
        this.ask(desk, key, work);
        for (const row of this.rows) if (row.desk === desk && cancel.includes(row.work.id)) row.cancelled = true;
        this.say(desk, key, emit, keys);
        wakes.set(key, wakeAt);
        again = emit.length + work.length > 0;
      }
    for (const [key, at] of wakes) this.wake(desk, key, at?.getTime());
  }
  private ask(desk: Desk, key: string, drafts: readonly WorkDraft[]): void {
    const asked = desk.asked.get(key) ?? new Set();
    for (const draft of drafts) {
      desk.asked.set(key, asked.add(draft.id));
      this.rows.push({ desk, work: { ...draft, key, tries: 0, began: false }, notBefore: draft.notBefore, cancelled: false });
    }
  }
  private wake({ process: { name, wakes: by }, wakes }: Desk, key: string, at: number | undefined): void {
    const next = at !== undefined && by === 'timer' ? Math.max(at, this.now.getTime() + 1000) : at;
    if (wakes.get(key) === next) return;
    if (next === undefined) wakes.delete(key);
    else wakes.set(key, next);
    if (by === 'timer') return;
    const deadline = next === undefined ? null : instant(new Date(next));
    this.publish(name, { type: `readmit.${name}.deadline-set`, key, data: { key, deadline } } as Draft);
  }

  /** Delivers everything and does all work that is due, in the order of the seed, until nothing is left. */
  settle(): void {
    for (let moves = 0; ; moves++) {
      if (moves > 20_000) throw new Error('the simulation does not come to rest');
      const ready = this.rows.filter(({ notBefore, cancelled }) => cancelled || notBefore <= this.now);
      if (this.queue.length + ready.length === 0) return;
      if (this.queue.length === 0 || (ready.length > 0 && this.random() < 0.2)) {
        const row = ready[Math.floor(this.random() * ready.length)];
        if (row) this.perform(row);
      } else this.deliver();
    }
  }
  private deliver(): void {
    const [item] = this.queue.splice(Math.floor(this.random() * this.queue.length), 1);
    if (item) this.take(item.desk, item.fact);
  }
  /** Moves the clock from one thing that is due to the next: the scheduler's wakes, and work that waits. */
  advance(seconds: number): void {
    const until = this.now.getTime() + seconds * 1000;
    const scheduler = this.desks['revocation-scheduler'];
    for (;;) {
      this.settle();
      const next = Math.min(...scheduler.wakes.values(), ...this.rows.map(({ notBefore }) => notBefore.getTime()));
      if (next > until) break;
      this.now = new Date(Math.max(next, this.now.getTime()));
      for (const [key, at] of [...scheduler.wakes]) {
        if (at > this.now.getTime()) continue;
        scheduler.wakes.delete(key);
        this.conclude(scheduler, [key]);
      }
    }
    this.now = new Date(until);
    this.settle();
  }

  /** One try of the work: `begin`, the simulated call, `finish`. */
  private perform(row: Row): void {
    const remove = (): void => void this.rows.splice(this.rows.indexOf(row), 1);
    const { desk, work } = row;
    const { key, kind } = work;
    const [rules, call] = [desk.process.work[kind], desk.calls[kind]];
    if (!rules || !call) throw new Error(`${desk.process.name} has no work ${kind}`);
    if (row.cancelled) return remove();
    const look = () => ({ facts: desk.facts.get(key) ?? none, context: this.contextOf(desk, key, [key, ...row.work.alsoKeys]) });
    const record = (drafts: readonly Draft[]): void => {
      this.say(desk, key, drafts, [key, ...row.work.alsoKeys]);
      this.conclude(desk, [key]);
    };
    row.work = { ...work, tries: work.tries + 1 };
    const before = look();
    const begun = rules.begin(row.work, before.facts, before.context);
    if (begun.go === 'later') {
      row.work = { ...work, alsoKeys: begun.alsoKeys ?? work.alsoKeys };
      row.notBefore = begun.notBefore;
      return;
    }
    record(begun.emit);
    if (!begun.go) return remove();
    // Others continue while the call is in progress.
    while (this.queue.length > 0 && this.random() > 0.5) this.deliver();
    const outcome = call({ ...row.work, input: { ...row.work.input, ...begun.input } }, look().facts, () => {
      if (!row.cancelled) row.work = { ...row.work, began: true };
      return !row.cancelled;
    });
    const after = look();
    const { emit, retryAt } = rules.finish(row.work, outcome, after.facts, after.context);
    if (retryAt === undefined) remove();
    else row.notBefore = retryAt;
    record(emit);
  }
}

const keysOf = ({ process }: Desk, fact: Fact): readonly string[] => process.keysOf?.(fact, keyOf(fact)) ?? [keyOf(fact)];
const reminds = (desk: Desk, fact: Fact): fact is Extract<Fact, { type: 'readmit.deadline.reached' }> =>
  desk.process.wakes === 'deadline' && fact.type === 'readmit.deadline.reached' && fact.data.owner === desk.process.name;

function join(desk: Desk, key: string, fact: Fact): void {
  desk.facts.set(key, (desk.facts.get(key) ?? none).with([fact]));
}
