/**
 * Takes batches: verify, decide and keep in one transaction that also moves the position. A batch with a message whose
 * handling fails is halved until that message is alone and parks; an outage blames nobody and is waited out.
 */
import type { Batch, Subscription, TopicRecord } from '@readmit/bus';
import { Bell, backoffMs, messageOf, crashPoint } from '@readmit/platform';
import { HandlerFailed, isStaleOwner } from './blame.js';
import { hearAll, isPoison, keysOfHeard, topicsOf, type Heard, type Inbox, type Poison } from './inbox.js';
import { announceParked } from './parking.js';
import { parkMessages } from './parked-rows.js';
import type { OpenSpan } from './observer.js';
import { endWith, traced } from './spans.js';
import type { Transactor } from './transact.js';

type Read = Heard | Poison;

/** How often a service that is behind says that its work waits for that. */
const tellEveryMs = 30_000;
/** How often it asks the bus once more: partitions that another member has by now are not waited for. */
const askEveryMs = 1_000;

export class Consumer {
  lastBatchAt: Date | null = null;
  private subscription: Subscription | undefined;
  private loop: Promise<void> | undefined;
  private stopping = false;
  private readonly bell = new Bell();
  private readonly listening = new Bell();

  constructor(
    private readonly transactor: Transactor,
    private readonly inbox: Inbox,
    private readonly member: string,
    private readonly newId: () => string,
  ) {}

  async start(): Promise<void> {
    const { bus, definition } = this.transactor.options;
    const topics = topicsOf(definition);
    if (topics.length === 0) return;
    this.subscription = await bus.subscribe({ group: definition.name, topics, member: this.member });
    this.loop = this.run(this.subscription);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    this.listening.ring();
    await this.subscription?.close();
    await this.loop;
  }

  async lag(): Promise<bigint> {
    return (await this.subscription?.lag()) ?? 0n;
  }

  /**
   * Resolves when what lay on the held partitions at the call has been heard, or the service stops: a freeze or an end that was said while
   * this service was away forbids what waits to be done. However long that takes: what must not wait for it is not started by it.
   */
  async caughtUp(): Promise<void> {
    const { counters, options } = this.transactor;
    let goal: number | undefined;
    let lag: number | undefined;
    let asked = -Infinity;
    let told = performance.now();
    for (let failures = 0; !this.stopping;) {
      if (goal !== undefined && counters.messages >= goal) return;
      try {
        if (goal === undefined || performance.now() - asked >= askEveryMs) {
          asked = performance.now();
          lag = Number(await this.lag());
          if (lag === 0) return;
          goal ??= counters.messages + lag;
        }
        failures = 0;
      } catch (error) {
        options.log.warn(
          { service: options.definition.name, error: messageOf(error) },
          'how far behind it is could not be read; trying again',
        );
        failures++;
      }
      if (performance.now() - told >= tellEveryMs) {
        told = performance.now();
        options.log.warn(
          { service: options.definition.name, behind: lag },
          'still behind: what takes power away is done, everything else waits until what lay on the bus is heard',
        );
      }
      await this.listening.wait(failures > 0 ? backoffMs(failures) : 20);
    }
  }

  private async run(subscription: Subscription): Promise<void> {
    const { log, definition, maxBatch } = this.transactor.options;
    for (let failures = 0; !this.stopping;) {
      try {
        const batch = await subscription.next(maxBatch ?? 500);
        if (!batch) return;
        await this.take(batch);
        failures = 0;
      } catch (error) {
        log.error({ service: definition.name, error: messageOf(error) }, 'the bus did not give a batch; trying again');
        await this.bell.wait(backoffMs(failures++));
      }
    }
  }

  /** Until it is committed, or somebody else's. */
  private async take(batch: Batch): Promise<void> {
    const { log, definition } = this.transactor.options;
    for (let failures = 0; !this.stopping;) {
      try {
        await this.process(batch);
        this.lastBatchAt = this.transactor.now();
        this.transactor.counters.batches++;
        this.transactor.counters.messages += batch.records.length;
      } catch (error) {
        if (isStaleOwner(error)) {
          log.info({ service: definition.name }, 'a partition of the batch is owned by another member now; the batch is dropped');
          return;
        }
        log.warn(
          { service: definition.name, error: messageOf(error), records: batch.records.length },
          'a batch could not be kept; trying again',
        );
        await this.bell.wait(backoffMs(failures++));
        continue;
      }
      crashPoint('consumer.after-commit-before-position');
      try {
        await batch.afterCommit();
      } catch (error) {
        log.warn(
          { service: definition.name, error: messageOf(error) },
          'the position was not confirmed after the commit; the messages may come again and are dropped then',
        );
      }
      return;
    }
  }

  private async process(batch: Batch): Promise<void> {
    const now = this.transactor.now();
    const read: Read[] = [];
    for (const record of batch.records) {
      const one = this.inbox.read(record, now);
      if (one) read.push(one);
    }
    await this.keep(read, batch);
  }

  /** The position moves with the last part, so a crash between parts repeats some of them, which changes nothing. */
  private async keep(read: readonly Read[], batch: Batch | undefined, alone = false): Promise<void> {
    try {
      await this.transact(read, batch, alone);
    } catch (error) {
      if (!(error instanceof HandlerFailed)) throw error;
      const [only] = read;
      if (read.length > 1) {
        const half = Math.ceil(read.length / 2);
        await this.keep(read.slice(0, half), undefined, true);
        await this.keep(read.slice(half), batch, true);
      } else if (only && !isPoison(only)) {
        await this.transact([asPoison(only.record, error)], batch, true);
      } else {
        throw error;
      }
    }
  }

  private async transact(read: readonly Read[], batch: Batch | undefined, alone: boolean): Promise<void> {
    const heard: Heard[] = [];
    const poison: Poison[] = [];
    const spans: OpenSpan[] = [];
    for (const one of read) {
      if (isPoison(one)) poison.push(one);
      else heard.push(traced(this.transactor.options, one, spans));
    }
    let parked: Awaited<ReturnType<typeof parkMessages>> = [];
    const done = this.transactor.run({
      alone,
      keys: () => keysOfHeard(heard),
      check: async (tx) => {
        if (poison.length > 0) parked = await parkMessages(tx, poison, this.newId);
        return true;
      },
      decide: (pass) => {
        announceParked(pass, parked);
        hearAll(pass, heard);
      },
      after: async (tx) => batch?.commit(tx),
    });
    await endWith(spans, done);
    this.transactor.counters.parked += parked.length;
    for (const { record, reason, says } of poison) {
      this.transactor.options.log.warn(
        {
          service: this.transactor.options.definition.name,
          topic: record.topic,
          partition: record.partition,
          offset: String(record.offset),
          reason,
          says,
        },
        'a message was parked',
      );
    }
  }
}

const asPoison = (record: TopicRecord, error: HandlerFailed): Poison => ({ record, reason: 'handler-failed', says: messageOf(error) });
