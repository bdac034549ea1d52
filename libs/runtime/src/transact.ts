/**
 * The one transaction of the engine. Every change of a service goes through it: a batch of messages, a command, a wake-up, the intents and
 * results of work. Whatever waits when the previous transaction ends shares the next one (group commit), so a busy service commits as rarely
 * as its database allows and an idle one at once. The statements are counted and constant:
 *
 *   BEGIN, [keys], SELECT touch, [check]   |   SELECT keep, [definition.save], bus.write, [after]   |   COMMIT   |   then publish
 *
 * in three round trips, whatever their number.
 * Partition locks of the bus come last and are held shortest.
 */
import { topicOf, writeEnvelope } from '@readmit/contracts';
import { isCollision, isTransientSqlError, type Tx } from '@readmit/store';
import type { OutgoingRecord } from '@readmit/bus';
import type { Change } from './service-definition.js';
import type { Aggregate, LockedRow } from './aggregate.js';
import { byHandlerInDatabase } from './handler-errors.js';
import { messageOf, crashPoint } from '@readmit/platform';
import { FactCache } from './fact-cache.js';
import type { EngineOptions } from './options.js';
import { Changeset, type Emitted } from './changeset.js';
import { laneOf } from './work-row.js';

export interface Counters {
  batches: number;
  messages: number;
  statements: number;
  commits: number;
  events: number;
  parked: number;
}

/** One participant of a group-committed transaction. May be retried: MUST NOT keep state from a failed attempt. */
export interface TransactionPart {
  /** Runs first, before the locks; returns the keys of the aggregates to lock. */
  readonly keys: (tx: Tx) => Promise<readonly string[]> | readonly string[];
  /** Its statements run after the locks; unless the part is `alone` they MUST be harmless if nothing else of it happens. `false`: nothing to do. */
  readonly check?: (tx: Tx) => Promise<boolean> | boolean;
  /** Synchronous. Everything that follows from it is concluded before the next part decides. */
  readonly decide: (changeset: Changeset) => void;
  /** Runs last, in the same transaction. */
  readonly after?: (tx: Tx, changeset: Changeset) => Promise<void>;
  /** Shares its transaction with no other part: it locks rows itself, or something in it is known to fail. */
  readonly alone?: boolean;
  /** Revokes something: goes before all parts that are waiting and do not. */
  readonly urgent?: boolean;
}
interface Waiting {
  readonly part: TransactionPart;
  readonly resolve: (changeset: Changeset | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** At most so many parts share a transaction; a batch of 500 messages is one part. */
const mostTogether = 256;

export class Transactor {
  readonly counters: Counters = { batches: 0, messages: 0, statements: 0, commits: 0, events: 0, parked: 0 };
  /** How far the database's clock was ahead of the monotonic clock of this process at the last answer. */
  private ahead: number | undefined;
  private readonly listeners: ((changeset: Changeset) => void)[] = [];
  private readonly waiting: Waiting[] = [];
  private serving: Promise<void> | undefined;
  private publishing: Promise<void> = Promise.resolve();
  private readonly remembered = new FactCache();

  constructor(
    readonly options: EngineOptions,
    private readonly newId: () => string,
  ) {}

  /** Called after each commit with what was decided. */
  onCommit(listener: (changeset: Changeset) => void): void {
    this.listeners.push(listener);
  }

  /** Estimate of the database's clock without a query: for bounds of days, never for a decision. */
  now(): Date {
    return this.ahead === undefined ? new Date() : new Date(performance.now() + this.ahead);
  }

  /** Asks the database for its time, so that `now` is right before the first transaction. */
  async learnTime(): Promise<void> {
    const [row] = await this.options.store.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    if (row) this.ahead = row.now.getTime() - performance.now();
  }

  /** Runs the part together with others that wait; `undefined` when `check` found nothing to do. Nothing is published unless committed. */
  run(part: TransactionPart): Promise<Changeset | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = { part, resolve, reject };
      const behind = part.urgent === true ? this.waiting.findIndex((other) => other.part.urgent !== true) : -1;
      if (behind < 0) this.waiting.push(waiting);
      else this.waiting.splice(behind, 0, waiting);
      this.serving ??= this.serve();
    });
  }

  private async serve(): Promise<void> {
    // Parts added in the same turn of the event loop join this group.
    await Promise.resolve();
    while (this.waiting.length > 0) await this.together(this.nextGroup());
    this.serving = undefined;
  }

  private nextGroup(): readonly Waiting[] {
    const at = this.waiting.findIndex(({ part }) => part.alone === true);
    const most = Math.min(at === 0 ? 1 : at < 0 ? mostTogether : at, mostTogether);
    return this.waiting.splice(0, most);
  }

  /** One failure must not fail the others: after a failure each part runs alone. In an outage all of them fail. */
  private async together(group: readonly Waiting[]): Promise<void> {
    try {
      const done = await this.commit(group.map(({ part }) => part));
      group.forEach(({ resolve }, at) => resolve(done[at]));
    } catch (error) {
      const outage = isTransientSqlError(error) && !isCollision(error);
      if (group.length === 1 || outage) for (const { reject } of group) reject(error);
      else for (const one of group) await this.together([one]);
    }
  }

  private async commit(group: readonly TransactionPart[]): Promise<readonly (Changeset | undefined)[]> {
    let records: OutgoingRecord[] = [];
    let going: readonly TransactionPart[] = [];
    crashPoint('runner.before-transaction');
    const changeset = await this.options.store.transaction(
      async (plain) => {
        const tx: Tx = {
          query: (sql, parameters) => {
            this.counters.statements++;
            return plain.query(sql, parameters);
          },
        };
        const keys = new Set<string>();
        for (const { keys: of } of group) for (const key of await of(tx)) keys.add(key);
        // The statements of the checks are sent with those of the locks and run after them.
        const touching = this.lockAndLoad(tx, [...keys]);
        const checking = group.map(async (one) => (await one.check?.(tx)) ?? true);
        await answered([touching, ...checking]);
        const changeset = await touching;
        const checks = await Promise.all(checking);
        crashPoint('runner.after-touch');
        going = group.filter((_, at) => checks[at]);
        if (going.length === 0) return changeset;
        for (const { decide } of going) {
          decide(changeset);
          changeset.conclude();
        }
        changeset.settle();
        records = this.sign(changeset.emitted);
        // Nothing here waits for an answer: one round trip, in this order.
        await answered([
          ...this.persist(tx, changeset),
          records.length > 0 ? this.options.bus.write(tx, records) : undefined,
          ...going.map(({ after }) => after?.(tx, changeset)),
        ]);
        crashPoint('runner.before-commit');
        return changeset;
      },
      { eager: !group.some(({ alone }) => alone) },
    );
    if (records.length > 0) crashPoint('runner.after-commit-before-publish');
    this.counters.commits++;
    this.counters.events += records.length;
    if (going.length === 0) return group.map(() => undefined);
    for (const aggregate of changeset.aggregates.values()) this.remembered.set(aggregate.key, aggregate.toRemember());
    // One publication at a time, in the order of the commits; the next transaction need not wait for it.
    await this.publishing;
    this.publishing = records.length > 0 ? this.publish(records) : Promise.resolve();
    for (const listener of this.listeners) listener(changeset);
    return group.map((one) => (going.includes(one) ? changeset : undefined));
  }

  private async lockAndLoad(tx: Tx, keys: readonly string[]): Promise<Changeset> {
    const known = keys.map((key) => this.remembered.versionOf(key) ?? null);
    const rows = await tx.query<LockedRow>('SELECT * FROM touch($1, $2)', [keys, known]);
    const changeset = new Changeset(this.options.definition, this.newId, rows, this.remembered);
    this.ahead = changeset.now.getTime() - performance.now();
    return changeset;
  }

  /** Resolves when nothing is in progress any more. */
  async idle(): Promise<void> {
    while (this.serving) await this.serving;
    await this.publishing;
  }

  private async publish(records: readonly OutgoingRecord[]): Promise<void> {
    try {
      await this.options.bus.publish(records);
      crashPoint('runner.after-publish');
    } catch (error) {
      this.options.log.warn(
        { error: messageOf(error), events: records.length },
        'could not publish committed events; the relay will send them',
      );
    }
  }

  private persist(tx: Tx, changeset: Changeset): readonly Promise<unknown>[] {
    const facts: object[] = [];
    const changed: object[] = [];
    const changes: Change[] = [];
    for (const aggregate of changeset.aggregates.values()) {
      for (const fact of aggregate.added)
        facts.push({
          key: aggregate.key,
          id: fact.id,
          type: fact.type,
          at: fact.at,
          data: fact.data,
          cause: changeset.causes.get(fact.id),
        });
      const row = this.rowOf(aggregate);
      if (row) changed.push(row);
      if (aggregate.added.length > 0 || aggregate.rows.length > 0)
        changes.push({ key: aggregate.key, facts: aggregate.current(), added: aggregate.added, rows: aggregate.rows });
    }
    const asked = [...changeset.asked.values()].map(({ key, draft, origin }) => ({
      id: draft.id,
      key,
      kind: draft.kind,
      lane: laneOf(this.options.definition, draft.kind),
      connector: draft.connector,
      object: draft.object,
      also_at: draft.alsoAt && draft.alsoAt.length > 0 ? draft.alsoAt : null,
      also_keys: draft.alsoKeys,
      input: draft.input,
      not_before: draft.notBefore,
      origin,
    }));
    const cancelled = [...changeset.cancelled];
    const sent: Promise<unknown>[] = [];
    if (facts.length > 0 || changed.length > 0 || asked.length > 0 || cancelled.length > 0) {
      sent.push(
        byHandlerInDatabase('saving facts and work', () =>
          tx.query('SELECT keep($1, $2, $3, $4)', [json(facts), json(changed), json(asked), cancelled.length > 0 ? cancelled : null]),
        ),
      );
    }
    const { save } = this.options.definition;
    if (save && changes.length > 0)
      sent.push(byHandlerInDatabase('save', () => save.call(this.options.definition, tx, changes, changeset.now)));
    return sent;
  }

  private rowOf(aggregate: Aggregate): object | undefined {
    const timer = this.options.definition.wakes === 'timer';
    const wakeAt = timer && aggregate.wakeAt !== undefined ? aggregate.wakeAt : aggregate.wakeWas;
    if (!aggregate.changed && wakeAt === aggregate.wakeWas && aggregate.deadline === aggregate.deadlineWas) return undefined;
    return {
      key: aggregate.key,
      version: aggregate.versionAfter,
      wake_at: instant(wakeAt),
      deadline_said: instant(aggregate.deadline),
      ...(aggregate.traceWas === null && aggregate.trace !== undefined ? { trace: aggregate.trace } : {}),
    };
  }

  private sign(emitted: readonly Emitted[]): OutgoingRecord[] {
    if (emitted.length === 0) return [];
    const { definition, environment, signer } = this.options;
    const topic = topicOf(definition.name);
    return signer.sign(
      environment,
      emitted.map(({ id, at, draft, text, origin }) => ({
        topic,
        key: draft.key,
        headers: writeEnvelope({
          id,
          environment,
          service: definition.name,
          type: draft.type,
          time: at,
          subject: draft.key,
          version: '1',
          correlationId: origin.correlationId ?? draft.key,
          ...(origin.causationId === undefined ? {} : { causationId: origin.causationId }),
          ...(origin.traceparent === undefined ? {} : { traceparent: origin.traceparent }),
        }),
        value: Buffer.from(text, 'utf8'),
      })),
    );
  }
}

/**
 * Waits for all statements that were sent, and fails with the first failure in the order of sending: later ones failed only because of it,
 * and only the first tells whether a rule or an outage is at fault.
 */
async function answered(sent: readonly unknown[]): Promise<void> {
  for (const one of await Promise.allSettled(sent)) if (one.status === 'rejected') throw one.reason;
}

const json = (rows: readonly object[]): string | null => (rows.length > 0 ? JSON.stringify(rows) : null);
const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
