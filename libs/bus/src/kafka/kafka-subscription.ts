import type { Tx } from '@readmit/store';
import type { EachBatchPayload, Kafka, TopicPartitionOffset } from 'kafkajs';
import { backoffMs, WakeUp, crashPoint } from '@readmit/platform';
import type { Batch, Subscription } from '../port.js';
import { StaleOwnerError } from '../stale-owner-error.js';
import { Arrivals, type Held, type Taken } from './arrivals.js';
import { GroupMember } from './group-member.js';
import { kafkaError, within, type KafkaError } from './kafka-error.js';
import { toTopicRecord } from './records.js';
import { nameOf, type TopicReader } from './topic-reader.js';

export interface KafkaSubscriptionOptions {
  readonly client: () => Kafka;
  readonly reader: TopicReader;
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  /** Told of each failure that is tried again. */
  readonly onTrouble: (error: unknown) => void;
  readonly onClosed: (subscription: KafkaSubscription) => void;
}

/** What may lie in the buffer before fetching waits; one more fetch may come on top. */
const bufferedRecords = 1_000;
const bufferedBytes = 4 * 1024 * 1024;
const batchBytes = 1024 * 1024;
/** While a batch is being worked on, records that trickle in are fetched a few at a time at most this often. */
const trickleMs = 5;
/** A life as a member that was longer counts as a recovery. */
const livedMs = 10_000;

/**
 * Buffers records of all assigned partitions. Offsets are committed in the background after the work, for several batches at once;
 * records that are redelivered after a crash are de-duplicated by event id.
 */
export class KafkaSubscription implements Subscription {
  private readonly arrivals = new Arrivals();
  private member: GroupMember | undefined;
  private failure: KafkaError | undefined;
  private closed = false;
  private reading = false;
  private readonly arrived = new WakeUp();
  private readonly joinAgain = new WakeUp();
  private readonly commitAgain = new WakeUp();
  private readonly closing = Promise.withResolvers<void>();
  /** Of fetches that wait for room. */
  private readonly held = new Set<WakeUp>();
  private committing: Promise<void> | undefined;
  private readonly keeping: Promise<void>;
  private ended: Promise<void> | undefined;
  private lagging: Promise<bigint> | undefined;

  private constructor(
    private readonly options: KafkaSubscriptionOptions,
    onFirst: (failure: KafkaError | undefined) => void,
  ) {
    this.keeping = this.keepMember(onFirst);
  }

  /**
   * @throws {KafkaError} the brokers refuse user, topics or group. When they are away the subscription waits for them.
   */
  static async open(options: KafkaSubscriptionOptions): Promise<KafkaSubscription> {
    let subscription: KafkaSubscription | undefined;
    const failure = await new Promise<KafkaError | undefined>((resolve) => {
      subscription = new KafkaSubscription(options, resolve);
    });
    if (!subscription) throw new Error('this is a bug: no subscription');
    if (!failure) return subscription;
    if (!failure.permanent) return subscription;
    await subscription.close();
    throw failure;
  }

  /** @throws {KafkaError} once for each time that the brokers refused it for good; it is retried nevertheless. */
  async next(max: number): Promise<Batch | undefined> {
    if (this.reading) throw new Error('this is a bug: next() was called while another next() of this subscription is under way');
    if (!Number.isInteger(max) || max < 1) throw new Error(`this is a bug: a batch of at most ${max} records`);
    this.reading = true;
    try {
      for (;;) {
        if (this.closed) return undefined;
        const taken = this.arrivals.take(max, batchBytes);
        this.release();
        if (taken) return this.batchOf(taken);
        const { failure } = this;
        this.failure = undefined;
        if (failure) throw failure;
        await this.arrived.wait(60_000);
      }
    } finally {
      this.reading = false;
    }
  }

  /** Asks the brokers; questions at the same time share the answer. */
  lag(): Promise<bigint> {
    this.lagging ??= this.countLag().finally(() => (this.lagging = undefined));
    return this.lagging;
  }

  close(): Promise<void> {
    this.ended ??= this.end();
    return this.ended;
  }

  private async end(): Promise<void> {
    this.closed = true;
    this.arrived.wake();
    this.release();
    await this.commitNow();
    this.closing.resolve();
    this.joinAgain.wake();
    this.commitAgain.wake();
    await this.keeping;
    await this.committing;
    this.arrivals.assign([], false);
    this.options.onClosed(this);
  }

  /** Joins, and joins again when that ends, until closed. */
  private async keepMember(onFirst: (failure: KafkaError | undefined) => void): Promise<void> {
    const { client, group, topics, sessionTimeoutMs, onTrouble } = this.options;
    for (let failures = 0; !this.closed;) {
      const since = performance.now();
      try {
        this.member = await GroupMember.join({
          client: client(),
          group,
          topics,
          sessionTimeoutMs,
          onTrouble,
          closing: this.closing.promise,
          onAssigned: (places, continuous) => {
            this.arrivals.assign(places, continuous);
            this.failure = undefined;
            this.commitLater();
            return this.arrivals.places.flatMap(({ topic, partition, fetched }) =>
              fetched === undefined ? [] : [{ topic, partition, offset: fetched.toString() }],
            );
          },
          onRebalancing: () => {
            const due = this.due();
            if (due.length > 0) this.member?.commit(due.map(offsetOf)).catch(onTrouble);
          },
          onBatch: (payload) => this.arrive(payload),
        });
        onFirst(undefined);
        throw await this.member.ended;
      } catch (error) {
        if (performance.now() - since > livedMs) failures = 0;
        await this.member?.close();
        this.member = undefined;
        this.arrivals.assign([], false);
        this.release();
        if (this.closed) break;
        const failure = await this.explain(error);
        onFirst(failure);
        if (failure.permanent) {
          this.failure = failure;
          this.arrived.wake();
        } else {
          onTrouble(failure);
        }
        await this.joinAgain.wait(backoffMs(failures++));
      }
    }
    onFirst(undefined);
  }

  private async explain(error: unknown): Promise<KafkaError> {
    const { group, topics, reader } = this.options;
    const what = `group ${group} could not read ${topics.join(', ')}`;
    if ((error as { name?: unknown }).name === 'KafkaJSGroupCoordinatorNotFound' && !this.closed) {
      try {
        await reader.checkGroup(group);
      } catch (reason) {
        return kafkaError(what, (reason as Error).cause ?? reason);
      }
    }
    return kafkaError(what, error);
  }

  /** Resolves when the next fetch may come: at once while somebody waits for records, else when there is room for more. */
  private async arrive({ batch, heartbeat, isRunning }: EachBatchPayload): Promise<void> {
    const { topic, partition, highWatermark } = batch;
    this.arrivals.arrive({
      topic,
      partition,
      highWatermark,
      records: batch.messages.map((message) => toTopicRecord(topic, partition, message)),
    });
    this.arrived.wake();
    const until = performance.now() + trickleMs;
    const wakeUp = new WakeUp();
    this.held.add(wakeUp);
    try {
      for (;;) {
        const full = this.arrivals.records >= bufferedRecords || this.arrivals.bytes >= bufferedBytes;
        const trickling = !this.reading && this.arrivals.records > 0 && performance.now() < until;
        if (this.closed || !isRunning() || !(full || trickling)) return;
        await wakeUp.wait(full ? this.options.sessionTimeoutMs / 5 : trickleMs);
        await heartbeat();
      }
    } finally {
      this.held.delete(wakeUp);
    }
  }

  private release(): void {
    for (const wakeUp of this.held) wakeUp.wake();
  }

  private batchOf({ records, spans }: Taken): Batch {
    const { group } = this.options;
    return {
      records,
      commit: (_tx: Tx) => {
        const lost = [...spans.keys()].filter(({ live }) => !live);
        return lost.length > 0 ? Promise.reject(new StaleOwnerError(group, lost.map(nameOf))) : Promise.resolve();
      },
      afterCommit: () => {
        for (const [of, to] of spans) if (of.done === undefined || of.done < to) of.done = to;
        this.commitLater();
        return Promise.resolve();
      },
    };
  }

  private due(): readonly Held[] {
    return this.arrivals.places.filter(({ done, confirmed }) => done !== undefined && done !== confirmed);
  }

  private commitLater(): void {
    this.committing ??= this.commitAll();
  }

  /** Until nothing is due. A failure is not the end of it: the brokers come back, or the partitions are lost and nothing is due. */
  private async commitAll(): Promise<void> {
    await Promise.resolve();
    for (let failures = 0; !this.closed && this.due().length > 0;) {
      try {
        await this.commitDue();
        failures = 0;
      } catch (error) {
        this.options.onTrouble(error);
        await this.commitAgain.wait(backoffMs(failures++));
      }
    }
    // Synchronously after the last check: positions that change later start a new run.
    this.committing = undefined;
  }

  private async commitDue(): Promise<void> {
    const due = this.due().map((held) => ({ held, offset: held.done }));
    if (due.length === 0 || !this.member) return;
    crashPoint('position.before-commit');
    await within(this.member.commit(due.map(({ held }) => offsetOf(held))), 10_000, 'committing offsets');
    for (const { held, offset } of due) if (offset !== undefined) held.confirmed = offset;
  }

  private async commitNow(): Promise<void> {
    await within(this.commitDue(), 2_000, 'committing the last offsets').catch(this.options.onTrouble);
  }

  private async countLag(): Promise<bigint> {
    const { group, reader } = this.options;
    if (!this.member && !this.closed) throw new Error(`group ${group} has no active member at the moment`);
    const places = this.arrivals.places;
    const ends = await reader.ends(places);
    const unknown = places.filter(({ done, first }) => done === undefined && first === undefined);
    const starts = unknown.length > 0 ? await reader.starts(group, unknown) : [];
    let lag = 0n;
    for (const [at, place] of places.entries()) {
      const position = place.done ?? place.first ?? starts[unknown.indexOf(place)] ?? 0n;
      const end = ends[at] ?? 0n;
      if (end > position) lag += end - position;
    }
    return lag;
  }
}

const offsetOf = ({ topic, partition, done = 0n }: Held): TopicPartitionOffset => ({ topic, partition, offset: done.toString() });
