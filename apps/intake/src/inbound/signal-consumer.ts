import { setTimeout as delay } from 'node:timers/promises';
import type { Batch, Bus, Subscription, TopicRecord } from '@readmit/bus';
import type { Log } from '@readmit/platform';
import type { RefusedMessage } from '@readmit/runtime';
import { signalGroup, signalTopicOf, type Signal } from '@readmit/contracts';
import type { SignalIntake } from '../usecases/signal-intake.js';

export interface SignalConsumerOptions {
  readonly bus: Pick<Bus, 'subscribe'>;
  readonly signals: Pick<SignalIntake, 'readRecord' | 'idOf' | 'record' | 'park'>;
  readonly providers: readonly string[];
  readonly member: string;
  readonly log: Log;
  /** Records of a batch at most; default 500. */
  readonly maxBatch?: number;
  /** Wait before the n-th repetition, in milliseconds. */
  readonly backoffMs?: (repetition: number) => number;
}

const upToFiveSeconds = (repetition: number): number => Math.min(5_000, 50 * 2 ** Math.min(repetition, 10));
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Signals from the topics of the providers, on a bus whose positions are confirmed after the work (Kafka). The records of a batch
 * become concurrent commands; the position moves only when each of them is durable: recorded, found recorded before, or parked.
 * An outage blames no signal: the batch is tried again until it is kept, and what was kept already is found repeated.
 */
export class SignalConsumer {
  private readonly stopping = new AbortController();
  private subscription: Subscription | undefined;
  private loop: Promise<void> | undefined;
  private taking: Promise<void> | undefined;

  constructor(private readonly options: SignalConsumerOptions) {}

  /** Returns at once: topics that cannot be read do not keep the rest of intake from starting. */
  start(): void {
    this.loop ??= this.run();
  }

  /** What is under way is finished, as far as the database lets it; the rest comes again to the next member. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.taking;
    const held = this.subscription;
    await held?.close();
    await this.loop;
    // It was just being made.
    if (this.subscription !== held) await this.subscription?.close();
  }

  /** Records behind the position; `undefined` while the topics cannot be read. */
  async lag(): Promise<bigint | undefined> {
    return this.subscription?.lag();
  }

  private async run(): Promise<void> {
    const subscription = await this.untilDone('the topics of signals cannot be read', () => this.subscribe());
    while (subscription && !this.stopped()) {
      const batch = await this.untilDone('the bus gave no batch of signals', () => subscription.next(this.options.maxBatch ?? 500));
      if (!batch || this.stopped()) return;
      this.taking = this.take(batch);
      await this.taking;
    }
  }

  private async subscribe(): Promise<Subscription> {
    const { bus, providers, member } = this.options;
    this.subscription = await bus.subscribe({ group: signalGroup, topics: providers.map(signalTopicOf), member });
    return this.subscription;
  }

  private async take(batch: Batch): Promise<void> {
    const kept = await this.untilDone('a batch of signals could not be kept', async () => {
      await this.keepAll(batch.records);
      return true;
    });
    if (!kept) return;
    try {
      await batch.afterCommit();
    } catch (error) {
      this.options.log.warn(
        { error: messageOf(error) },
        'the position of signals was not confirmed; they may come again and are found repeated then',
      );
    }
  }

  /**
   * All are tried, whatever becomes of one, so that a second try has less to do. Records of one signal go one after the other: the
   * first of them counts.
   */
  private async keepAll(records: readonly TopicRecord[]): Promise<void> {
    const last = new Map<string, Promise<void>>();
    const all = records.map((record) => {
      const read = this.options.signals.readRecord(record);
      if (!read.ok) return this.park({ record, reason: read.reason, says: read.says });
      const id = this.options.signals.idOf(read.signal);
      const before = last.get(id);
      const kept = before ? before.then(() => this.record(record, read.signal)) : this.record(record, read.signal);
      last.set(id, kept);
      return kept;
    });
    const outcomes = await Promise.allSettled(all);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async record(record: TopicRecord, signal: Signal): Promise<void> {
    try {
      const recorded = await this.options.signals.record(signal);
      if ('refused' in recorded) await this.park({ record, reason: recorded.refused.reason, says: recorded.refused.says });
    } catch (error) {
      // A rule of ours that throws would throw for ever: this record parks and the others go on.
      if (!(error instanceof Error && error.name === 'HandlerFailed')) throw error;
      await this.park({ record, reason: 'handler-failed', says: error.message });
    }
  }

  private async park(message: RefusedMessage): Promise<void> {
    await this.options.signals.park(message);
    const { topic, partition, offset } = message.record;
    this.options.log.warn({ topic, partition, offset: String(offset), reason: message.reason, says: message.says }, 'a signal was parked');
  }

  private stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Tries until it succeeds, with growing waits; `undefined` when it is told to stop. */
  private async untilDone<T>(trouble: string, attempt: () => Promise<T>): Promise<T | undefined> {
    const backoffMs = this.options.backoffMs ?? upToFiveSeconds;
    for (let failures = 0; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        if (this.stopped()) return undefined;
        this.options.log.warn({ error: messageOf(error), failures: failures + 1 }, `${trouble}; trying again`);
      }
      // Ended by an abort: the loop looks at it next.
      await delay(backoffMs(failures), undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopped()) return undefined;
    }
  }
}
