/**
 * The one transaction of the engine. Every change of a service goes through it: a batch of messages, a command, a wake, the
 * intent and the end of work. Its statements are counted and constant:
 *
 *   BEGIN, [before], touch, keep, [definition.save], bus.write, [after], COMMIT, then publish
 *
 * Partition locks of the bus come last and are held shortest.
 */
import { topicOf, writeEnvelope } from '@readmit/contracts';
import type { Tx } from '@readmit/store';
import type { OutgoingRecord } from '../port.js';
import type { Change } from '../service-definition.js';
import type { Aggregate, TouchedRow } from './aggregate.js';
import { byHandlerInDatabase, messageOf } from './blame.js';
import type { EngineOptions } from './options.js';
import { Pass, type Said } from './pass.js';

export interface Counters {
  batches: number;
  messages: number;
  statements: number;
  commits: number;
  events: number;
  parked: number;
}

export interface Transaction {
  /** First in the transaction, before the locks; gives the keys of the aggregates to lock. */
  readonly keys: (tx: Tx) => Promise<readonly string[]> | readonly string[];
  /** After the locks, before deciding; `false` ends the transaction with nothing done. */
  readonly check?: (tx: Tx, pass: Pass) => Promise<boolean>;
  /** Without waiting. */
  readonly decide: (pass: Pass) => void;
  /** Last, in the same transaction. */
  readonly after?: (tx: Tx, pass: Pass) => Promise<void>;
}

export class Transactor {
  readonly counters: Counters = { batches: 0, messages: 0, statements: 0, commits: 0, events: 0, parked: 0 };
  /** What the database's clock was ahead of ours when it last spoke; ours is the monotonic one. */
  private ahead: number | undefined;
  private readonly listeners: ((pass: Pass) => void)[] = [];

  constructor(
    readonly options: EngineOptions,
    private readonly newId: () => string,
  ) {}

  /** Told after each commit what was decided. */
  onCommit(listener: (pass: Pass) => void): void {
    this.listeners.push(listener);
  }

  /** The database's clock, without asking it: for bounds of days, never for a decision. */
  now(): Date {
    return this.ahead === undefined ? new Date() : new Date(performance.now() + this.ahead);
  }

  /** Asks the database for its time, so that `now` is right before the first transaction. */
  async learnTime(): Promise<void> {
    const [row] = await this.options.store.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    if (row) this.ahead = row.now.getTime() - performance.now();
  }

  /** Runs it; `undefined` when `check` ended it. Nothing is published unless it is committed. */
  async run(transaction: Transaction): Promise<Pass | undefined> {
    let records: OutgoingRecord[] = [];
    const pass = await this.options.store.transaction(async (plain) => {
      const tx: Tx = {
        query: (sql, parameters) => {
          this.counters.statements++;
          return plain.query(sql, parameters);
        },
      };
      const keys = new Set(await transaction.keys(tx));
      const pass = new Pass(this.options.definition, this.newId, await tx.query<TouchedRow>('SELECT * FROM touch($1)', [[...keys]]));
      this.ahead = pass.now.getTime() - performance.now();
      if (transaction.check && !(await transaction.check(tx, pass))) return undefined;
      transaction.decide(pass);
      pass.settle();
      await this.keep(tx, pass);
      records = this.sign(pass.said);
      if (records.length > 0) await this.options.bus.write(tx, records);
      await transaction.after?.(tx, pass);
      return pass;
    });
    this.counters.commits++;
    this.counters.events += records.length;
    if (!pass) return undefined;
    if (records.length > 0) await this.publish(records);
    for (const listener of this.listeners) listener(pass);
    return pass;
  }

  private async publish(records: readonly OutgoingRecord[]): Promise<void> {
    try {
      await this.options.bus.publish(records);
    } catch (error) {
      this.options.log.warn(
        { error: messageOf(error), events: records.length },
        'committed events were not published at once; the relay sends them',
      );
    }
  }

  private async keep(tx: Tx, pass: Pass): Promise<void> {
    const facts: object[] = [];
    const changed: object[] = [];
    const changes: Change[] = [];
    for (const aggregate of pass.aggregates.values()) {
      for (const fact of aggregate.added)
        facts.push({ key: aggregate.key, id: fact.id, type: fact.type, at: fact.at, data: fact.data, cause: pass.causes.get(fact.id) });
      const row = this.rowOf(aggregate);
      if (row) changed.push(row);
      if (aggregate.added.length > 0 || aggregate.rows.length > 0)
        changes.push({ key: aggregate.key, facts: aggregate.current(), added: aggregate.added, rows: aggregate.rows });
    }
    const asked = [...pass.asked.values()].map(({ key, draft, origin }) => ({
      id: draft.id,
      key,
      kind: draft.kind,
      connector: draft.connector,
      object: draft.object,
      also_keys: draft.alsoKeys,
      input: draft.input,
      not_before: draft.notBefore,
      origin,
    }));
    const cancelled = [...pass.cancelled];
    if (facts.length > 0 || changed.length > 0 || asked.length > 0 || cancelled.length > 0) {
      await byHandlerInDatabase('keeping facts and work', () =>
        tx.query('SELECT keep($1, $2, $3, $4)', [json(facts), json(changed), json(asked), cancelled.length > 0 ? cancelled : null]),
      );
    }
    const { save } = this.options.definition;
    if (save && changes.length > 0) await byHandlerInDatabase('save', () => save.call(this.options.definition, tx, changes));
  }

  private rowOf(aggregate: Aggregate): object | undefined {
    const timer = this.options.definition.wakes === 'timer';
    const wakeAt = timer && aggregate.wakeAt !== undefined ? aggregate.wakeAt : aggregate.wakeWas;
    if (aggregate.added.length === 0 && wakeAt === aggregate.wakeWas && aggregate.said === aggregate.saidWas) return undefined;
    return { key: aggregate.key, version: aggregate.version + 1, wake_at: instant(wakeAt), deadline_said: instant(aggregate.said) };
  }

  private sign(said: readonly Said[]): OutgoingRecord[] {
    if (said.length === 0) return [];
    const { definition, environment, signer } = this.options;
    const topic = topicOf(definition.name);
    return signer.sign(
      environment,
      said.map(({ id, at, draft, text, origin }) => ({
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

const json = (rows: readonly object[]): string | null => (rows.length > 0 ? JSON.stringify(rows) : null);
const instant = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
