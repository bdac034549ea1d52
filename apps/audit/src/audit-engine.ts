/**
 * The runtime of the audit service. It has a log instead of facts and accepts no commands: a batch from all topics is verified, then one
 * transaction appends leaves, events and checkpoint, writes Recorded and the records for SIEMs, and moves the offset.
 */
import { services, topicOf, traceHeader, type Fact, type ServiceName } from '@readmit/contracts';
import {
  isRefused,
  logParked,
  MessageLoop,
  parkedDraft,
  ParkedStore,
  parkMessages,
  persistBisecting,
  settleParked,
  type EngineObserver,
  type OpenSpan,
  type ParkedMessages,
  type Progress,
  type RefusedMessage,
  type ServiceRuntime,
} from '@readmit/runtime';
import { crashPoint, messageOf, type Log } from '@readmit/platform';
import type { Batch, Bus, TopicRecord } from '@readmit/bus';
import type { CheckedEvent, LoggedRecord, CommandRefusal } from '@readmit/domain';
import { isDataFault, type Store, type Tx } from '@readmit/store';
import { LogWriter, ReusedIds, type Appended, type VerifiedEvent, type LogWriterOptions } from './usecases/append-to-log.js';
import { watchCases } from './usecases/watch-cases.js';

export interface AuditEngineOptions extends LogWriterOptions {
  readonly store: Pick<Store, 'transaction' | 'query'>;
  readonly bus: Bus;
  /** `verifyRecord`, bound to key ring and environment. `replayed`: an event of any age is accepted. */
  readonly verify: (
    record: TopicRecord,
    replayed: boolean,
  ) => { readonly ok: true; readonly fact: Fact } | { readonly ok: false; readonly reason: string; readonly message: string };
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Throws if the tables do not continue from the last exported checkpoint. */
  readonly checkStart: () => Promise<void>;
  readonly member: string;
  /** Seconds between checks of cases that are due. */
  readonly watchEverySeconds: number;
  readonly maxBatch?: number;
  readonly openSpan?: EngineObserver['span'];
}

/** A verified event with the record that contained it. */
type Received = VerifiedEvent & { readonly record: TopicRecord };
const nothing: Appended = { events: [], siemRecords: [], leaves: 0, size: 0, stored: Promise.resolve() };

export class AuditEngine implements ServiceRuntime {
  readonly service: ServiceName = 'audit';
  readonly counters = { batches: 0, messages: 0, statements: 0, commits: 0, events: 0, parked: 0 };
  readonly parked: ParkedMessages;
  private readonly writer: LogWriter;
  private readonly loop: MessageLoop;
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> = Promise.resolve();

  constructor(private readonly options: AuditEngineOptions) {
    const { store, bus, log, member, maxBatch } = options;
    this.writer = new LogWriter(options);
    this.loop = new MessageLoop(
      {
        service: this.service,
        bus,
        group: 'audit',
        topics: services.filter((service) => service !== 'audit').map(topicOf),
        member,
        log,
        counters: this.counters,
        now: () => new Date(),
        maxBatch,
      },
      { persist: (batch) => this.persist(batch), confirmed: () => crashPoint('audit.after-position') },
    );
    this.parked = new ParkedStore<Received>(store, {
      read: (record, replayed) => this.read(record, replayed),
      settle: async (parked, record, settled, received) => {
        try {
          await this.transact(async (tx) => {
            if (!(await settleParked(tx, parked.id, settled.action))) return nothing;
            return this.writer.append(tx, received ? [received] : [], [parkedDraft(this.service, parked, settled)]);
          });
          return undefined;
        } catch (error) {
          if (error instanceof ReusedIds) return reusedId(record);
          throw error;
        }
      },
    });
  }

  async start(): Promise<void> {
    await this.options.checkStart();
    await this.loop.start();
    this.timer = setInterval(() => {
      this.checking = this.checking.then(() => this.watch());
    }, this.options.watchEverySeconds * 1000);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.loop.stop();
    crashPoint('drain.during');
    await this.checking;
  }

  /** Checks the cases that are due, once; the timer calls it while the service runs. */
  async watch(): Promise<void> {
    try {
      await this.transact(async (tx) => this.writer.append(tx, [], await watchCases(tx, (record) => this.check(record))));
    } catch (error) {
      this.options.log.error({ service: this.service, error: messageOf(error) }, 'could not check cases for violations; retrying');
    }
  }

  /** Stricter than in other services: execution waits for Recorded, so one batch that cannot be recorded makes audit unready. */
  async progress(): Promise<Progress> {
    const { failing, subscribed, lastBatchAt } = this.loop;
    const lag = Number((await this.loop.lag()) ?? 0n);
    const [row] = await this.options.store.query<{ parked: number }>(`SELECT count(*)::int AS parked FROM parked WHERE state = 'parked'`);
    const ready = subscribed && failing === undefined;
    return {
      ready,
      lag,
      lastBatchAt: lastBatchAt?.toISOString() ?? null,
      workWaiting: 0,
      parked: row?.parked ?? 0,
      says: failing ?? (ready ? `recording, ${lag} behind` : 'not started'),
    };
  }

  async refuse({ key, name, actor }: Parameters<ServiceRuntime['refuse']>[0], { rule, reason, message }: CommandRefusal): Promise<void> {
    const data = { key, command: name, rule, reason, actor, says: message.slice(0, 500) };
    await this.transact((tx) => this.writer.append(tx, [], [{ type: 'readmit.audit.refused', key, data }]));
  }

  private async persist(batch: Batch): Promise<void> {
    const spans: OpenSpan[] = [];
    try {
      const read = batch.records.map((record) => this.traced(this.read(record), spans));
      await persistBisecting(read, batch, {
        transact: (messages, moving) => this.append(messages, moving),
        isMessageFault: isDataFault,
        refused: (message, error) =>
          isRefused(message) ? undefined : { record: message.record, reason: 'cannot-be-recorded', message: messageOf(error) },
      });
      for (const span of spans) span.end();
    } catch (error) {
      for (const span of spans) span.end(error);
      throw error;
    }
  }

  /** Reused ids need no bisecting: the error names the messages at fault, and they are parked at once. */
  private async append(read: readonly (Received | RefusedMessage)[], batch: Batch | undefined): Promise<void> {
    const refused = read.filter((one) => isRefused(one));
    const received = read.filter((one): one is Received => !isRefused(one));
    try {
      let newlyParked = 0;
      await this.transact(async (tx) => {
        const parked = await parkMessages(tx, refused, this.options.newEventId);
        newlyParked = parked.length;
        const drafts = parked.map((row) => parkedDraft(this.service, row, { action: 'parked' }));
        crashPoint('audit.before-append');
        return { ...(await this.writer.append(tx, received, drafts)), before: (open: Tx) => batch?.commit(open) };
      });
      this.counters.parked += newlyParked;
      logParked(this.options.log, this.service, refused);
    } catch (error) {
      if (!(error instanceof ReusedIds)) throw error;
      const reused = new Set<unknown>(error.events);
      await this.append(
        read.map((one) => (reused.has(one) ? reusedId(one.record) : one)),
        batch,
      );
    }
  }

  private async transact(work: (tx: Tx) => Promise<Appended & { readonly before?: (tx: Tx) => Promise<void> | undefined }>): Promise<void> {
    const { store, bus } = this.options;
    const written = await store.transaction(async (open) => {
      const tx: Tx = {
        query: (sql, parameters) => {
          this.counters.statements += 1;
          return open.query(sql, parameters);
        },
      };
      const appended = await work(tx);
      const records = [...appended.events, ...appended.siemRecords];
      await Promise.all([appended.stored, records.length > 0 ? bus.write(tx, records) : undefined, appended.before?.(tx)]);
      crashPoint('audit.before-commit');
      return { records, events: appended.events.length };
    });
    if (written.records.length > 0) crashPoint('audit.after-commit-before-publish');
    this.counters.commits += 1;
    this.counters.events += written.events;
    if (written.records.length > 0) await bus.publish(written.records);
  }

  private read(record: TopicRecord, replayed = false): Received | RefusedMessage {
    const verified = this.options.verify(record, replayed);
    return verified.ok ? { fact: verified.fact, record } : { record, reason: verified.reason, message: verified.message };
  }
  /** Recording is a span in the trace of the recorded event; Recorded continues below it. */
  private traced(read: Received | RefusedMessage, spans: OpenSpan[]): Received | RefusedMessage {
    const parent = read.record.headers[traceHeader];
    if (!this.options.openSpan || isRefused(read) || parent === undefined) return read;
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
    return verified.ok ? { fact: verified.fact } : { reason: verified.reason, message: verified.message };
  }
}

const reusedId = (record: TopicRecord): RefusedMessage => ({
  record,
  reason: 'event-id-reused',
  message:
    'The log has another event under this id. Either the key that signed it is compromised, or its service was restored from a backup: check both.',
});
