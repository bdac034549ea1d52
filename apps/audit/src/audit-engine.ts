/**
 * The audit service at work. It keeps no facts but a log, so it has a loop of its own behind the interface that hosts run:
 * a batch of every topic is verified, then one transaction appends leaves, events and checkpoint, says
 * Recorded, shows each new entry to SIEMs and moves the position.
 */
import { isId, isKey, services, topicOf, traceHeader, type Draft, type Fact, type ServiceName } from '@readmit/contracts';
import {
  byKeyList,
  listParked,
  parkMessages,
  sentence,
  settleParked,
  showParked,
  stillParked,
  type Engine,
  type EngineObserver,
  type OpenSpan,
  type Parked,
  type ParkedMessages,
  type RefusedMessage,
} from '@readmit/runtime';
import { crashPoint } from '@readmit/platform';
import { engineCrypto } from '@readmit/signing';
import type { Batch, Bus, Subscription, TopicRecord } from '@readmit/bus';
import { Facts, type CheckedEvent, type Command, type LoggedRecord, type Refusal } from '@readmit/domain';
import { sqlStateOf, type Store, type Tx } from '@readmit/store';
import { entriesOfKeys } from './outbound/log-store.js';
import { LogWriter, ReusedIds, type Appended, type Arrived, type LogWriterOptions } from './usecases/append-to-log.js';
import { watchCases } from './usecases/watch-cases.js';

export interface AuditEngineOptions extends LogWriterOptions {
  readonly store: Pick<Store, 'transaction' | 'query'>;
  readonly bus: Bus;
  /** `verifyRecord` of the bus, bound to key ring and environment. `replayed`: any age counts. */
  readonly verify: (
    record: TopicRecord,
    replayed: boolean,
  ) => { readonly ok: true; readonly fact: Fact } | { readonly ok: false; readonly reason: string; readonly says: string };
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Refuses to start with tables that do not go on from the last checkpoint that was seen. */
  readonly checkStart: () => Promise<void>;
  readonly member: string;
  /** Seconds between looks at cases whose end is due. */
  readonly watchEverySeconds: number;
  readonly maxBatch?: number;
  readonly openSpan?: EngineObserver['span'];
}

/** After an outage, however long it was: what waits for audit's word goes on within seconds. */
const longestPauseMs = 5_000;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isStaleOwner = (error: unknown): boolean => error instanceof Error && (error.name === 'StaleOwnerError' || isStaleOwner(error.cause));
/** The database says that the data itself cannot be stored: waiting does not help. */
const isDataFault = (error: unknown): boolean => /^2[23]/.test(sqlStateOf(error) ?? '');

export class AuditEngine implements Engine {
  readonly service: ServiceName = 'audit';
  readonly counters = { batches: 0, messages: 0, statements: 0, commits: 0, events: 0, parked: 0 };
  readonly parked: ParkedMessages;
  private readonly writer: LogWriter;
  private subscription: Subscription | undefined;
  private loop: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private watching: Promise<void> = Promise.resolve();
  private stopping = new AbortController();
  private lastBatchAt: string | null = null;
  private trouble: string | undefined;

  constructor(private readonly options: AuditEngineOptions) {
    this.writer = new LogWriter(options);
    this.parked = {
      list: (filter) => listParked(options.store, filter),
      show: async (id) => (await showParked(options.store, id))?.parked,
      settle: (id, action, by) => this.settle(id, action, by),
    };
  }

  async start(): Promise<void> {
    await this.options.checkStart();
    const topics = services.filter((service) => service !== 'audit').map(topicOf);
    this.subscription = await this.options.bus.subscribe({ group: 'audit', topics, member: this.options.member });
    this.loop = this.run(this.subscription);
    this.timer = setInterval(() => {
      this.watching = this.watching.then(() => this.watch());
    }, this.options.watchEverySeconds * 1000);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.timer);
    await this.subscription?.close();
    await this.loop;
    crashPoint('drain.during');
    await this.watching;
  }

  /** One look at the cases whose end is due; the timer does it while the service runs. */
  async watch(): Promise<void> {
    try {
      await this.transact(async (tx) => this.writer.append(tx, [], await watchCases(tx, (record) => this.check(record))));
    } catch (error) {
      this.options.log.error({ service: this.service, error: messageOf(error) }, 'cases could not be looked at; trying again');
    }
  }

  async progress(): ReturnType<Engine['progress']> {
    const lag = Number((await this.subscription?.lag()) ?? 0n);
    const [row] = await this.options.store.query<{ parked: number }>(`SELECT count(*)::int AS parked FROM parked WHERE state = 'parked'`);
    const ready = this.subscription !== undefined && this.trouble === undefined;
    return {
      ready,
      lag,
      lastBatchAt: this.lastBatchAt,
      workWaiting: 0,
      parked: row?.parked ?? 0,
      says: this.trouble ?? (ready ? `recording, ${lag} behind` : 'not started'),
    };
  }

  /** Audit decides nothing for people: all that can come of a command is that it was refused, which the log says of itself. */
  async command<R>(
    { key, name, actor }: Parameters<Engine['command']>[0],
    command: Command<R>,
  ): Promise<{ readonly reply: R } | { readonly refused: Refusal }> {
    const { newEventId } = this.options;
    const none = new Facts([]);
    const said = command(none, {
      now: new Date(),
      key,
      newId: (prefix) => `${prefix}_${newEventId()}`,
      crypto: engineCrypto,
      work: new Set(),
      other: () => none,
    });
    if (!said.refused) throw new Error('this is a bug: the audit log takes no commands');
    const { rule, reason, says } = said;
    const data = { key, command: name, rule, reason, actor, says: says.slice(0, 500) };
    await this.transact((tx) => this.writer.append(tx, [], [{ type: 'readmit.audit.refused', key, data }]));
    return { refused: said };
  }
  async facts(key: string): Promise<Facts> {
    const entries = await entriesOfKeys(this.options.store, [key]);
    return new Facts(
      entries.flatMap(({ record }) => {
        const checked = this.check(record);
        return 'fact' in checked ? [checked.fact] : [];
      }),
    );
  }

  private async run(subscription: Subscription): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted;) {
      try {
        const batch = await subscription.next(this.options.maxBatch ?? 500);
        if (!batch) return;
        await this.take(batch);
        failures = 0;
        this.trouble = undefined;
      } catch (error) {
        this.trouble = `no batch: ${messageOf(error)}`;
        this.options.log.error({ service: this.service, error: messageOf(error) }, 'the bus did not give a batch; trying again');
        await this.pause(failures++);
      }
    }
  }

  /** Until it is committed, or somebody else's. */
  private async take(batch: Batch): Promise<void> {
    const spans: OpenSpan[] = [];
    for (let failures = 0; !this.stopping.signal.aborted;) {
      try {
        await this.keep(
          batch.records.map((record) => this.traced(this.read(record), spans)),
          batch,
        );
        for (const span of spans.splice(0)) span.end();
        break;
      } catch (error) {
        for (const span of spans.splice(0)) span.end(error);
        if (isStaleOwner(error)) return;
        this.trouble = `a batch could not be recorded: ${messageOf(error)}`;
        this.options.log.warn(
          { service: this.service, error: messageOf(error), records: batch.records.length },
          'a batch could not be recorded; trying again',
        );
        await this.pause(failures++);
      }
    }
    if (this.stopping.signal.aborted && this.trouble !== undefined) return;
    this.trouble = undefined;
    this.lastBatchAt = new Date().toISOString();
    this.counters.batches += 1;
    this.counters.messages += batch.records.length;
    try {
      await batch.afterCommit();
      crashPoint('audit.after-position');
    } catch (error) {
      this.options.log.warn(
        { service: this.service, error: messageOf(error) },
        'the position was not confirmed after the commit; the messages may come again and are passed over then',
      );
    }
  }

  /** A batch whose data the database refuses is halved until the message to blame is alone and parks; the position moves with the last part. */
  private async keep(
    read: readonly ((Arrived & { readonly record: TopicRecord }) | RefusedMessage)[],
    batch: Batch | undefined,
  ): Promise<void> {
    try {
      await this.transact(async (tx) => {
        const refused = read.filter((one): one is RefusedMessage => 'reason' in one);
        const parked = await parkMessages(tx, refused, this.options.newEventId);
        this.counters.parked += parked.length;
        const drafts = parked.map((row) => parkedDraft(row, { action: 'parked' }));
        crashPoint('audit.before-append');
        const appended = await this.writer.append(
          tx,
          read.filter((one): one is Arrived & { readonly record: TopicRecord } => 'fact' in one),
          drafts,
        );
        return { ...appended, before: (open: Tx) => batch?.commit(open) };
      });
    } catch (error) {
      if (error instanceof ReusedIds) {
        const reused = new Set<unknown>(error.arrived);
        return this.keep(
          read.map((one) => (reused.has(one) ? reusedId(one.record) : one)),
          batch,
        );
      }
      const [only] = read;
      if (!isDataFault(error) || !only || (read.length === 1 && 'reason' in only)) throw error;
      const half = Math.ceil(read.length / 2);
      if (read.length > 1) {
        await this.keep(read.slice(0, half), undefined);
        await this.keep(read.slice(half), batch);
      } else await this.keep([{ record: only.record, reason: 'cannot-be-recorded', says: messageOf(error) }], batch);
    }
  }

  private async transact(work: (tx: Tx) => Promise<Appended & { readonly before?: (tx: Tx) => Promise<void> | undefined }>): Promise<void> {
    const { store, bus } = this.options;
    const said = await store.transaction(async (open) => {
      const tx: Tx = {
        query: (sql, parameters) => {
          this.counters.statements += 1;
          return open.query(sql, parameters);
        },
      };
      const appended = await work(tx);
      const records = [...appended.say, ...appended.show];
      await Promise.all([appended.kept, records.length > 0 ? bus.write(tx, records) : undefined, appended.before?.(tx)]);
      crashPoint('audit.before-commit');
      return { records, events: appended.say.length };
    });
    if (said.records.length > 0) crashPoint('audit.after-commit-before-publish');
    this.counters.commits += 1;
    this.counters.events += said.events;
    if (said.records.length > 0) await bus.publish(said.records);
  }

  private read(record: TopicRecord, replayed = false): (Arrived & { readonly record: TopicRecord }) | RefusedMessage {
    const verified = this.options.verify(record, replayed);
    return verified.ok ? { fact: verified.fact, record } : { record, reason: verified.reason, says: verified.says };
  }
  /** Recording has its place in the trace of what is recorded; Recorded goes on below it. */
  private traced<Read extends object>(read: Read & { readonly fact?: Fact; readonly record: TopicRecord }, spans: OpenSpan[]): Read {
    const parent = read.record.headers[traceHeader];
    if (!this.options.openSpan || !read.fact || parent === undefined) return read;
    const { fact, record } = read;
    const span = this.options.openSpan({
      name: `record ${fact.type}`,
      kind: 'consumer',
      parent,
      attributes: {
        'readmit.service': this.service,
        'readmit.event': fact.type,
        ...(record.key.startsWith('case_') ? { 'readmit.case': record.key } : {}),
      },
    });
    if (!span) return read;
    spans.push(span);
    return { ...read, traceparent: span.traceparent };
  }
  private check(record: LoggedRecord): CheckedEvent {
    const value = Buffer.from(record.value.buffer, record.value.byteOffset, record.value.length);
    const verified = this.options.verify({ ...record, value, partition: 0, offset: 0n }, true);
    return verified.ok ? { fact: verified.fact } : { reason: verified.reason, says: verified.says };
  }

  private async settle(id: string, action: 'redrive' | 'discard', by: string): Promise<Parked | undefined> {
    const found = await showParked(this.options.store, id);
    if (found?.parked.state !== 'parked') return found?.parked;
    const read = action === 'redrive' ? this.read(found.record, by !== byKeyList) : undefined;
    if (read && 'reason' in read) {
      await stillParked(this.options.store, id, read.reason, read.says);
    } else {
      const state = action === 'redrive' ? 'redriven' : 'discarded';
      try {
        await this.transact(async (tx) => {
          if (!(await settleParked(tx, id, state))) return { say: [], show: [], leaves: 0, size: 0, kept: Promise.resolve() };
          return this.writer.append(tx, read ? [read] : [], [parkedDraft(found.parked, { action: state, by })]);
        });
      } catch (error) {
        if (!(error instanceof ReusedIds)) throw error;
        const { reason, says } = reusedId(found.record);
        await stillParked(this.options.store, id, reason, says);
      }
    }
    return (await showParked(this.options.store, id))?.parked;
  }

  private async pause(failures: number): Promise<void> {
    const { signal } = this.stopping;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(longestPauseMs, 100 * 2 ** failures));
      signal.addEventListener('abort', done);
    });
  }
}

const reusedId = (record: TopicRecord): RefusedMessage => ({
  record,
  reason: 'event-id-reused',
  says: 'The log has another event under this id. The key that signed it is in other hands, or its service was put back: look at both.',
});

function parkedDraft(
  row: { readonly id: string; readonly topic: string; readonly key: string; readonly reason: string; readonly says: string },
  what: { readonly action: 'parked' | 'redriven' | 'discarded'; readonly by?: string },
): Draft {
  const key = isKey(row.key) ? row.key : row.id;
  return {
    type: 'readmit.audit.message-parked',
    key,
    data: {
      key,
      parkedId: row.id,
      topic: isId(row.topic) ? row.topic : 'unknown',
      reason: row.reason,
      says: sentence(row.says),
      ...what,
    },
  };
}
