import type { Batch, TopicRecord } from '@readmit/bus';
import type { Log } from '@readmit/platform';
import { HandlerFailed, logParked, type BatchHandler, type RefusedMessage } from '@readmit/runtime';
import type { Signal } from '@readmit/contracts';
import type { SignalIntake } from '../usecases/signal-intake.js';

export interface SignalConsumerOptions {
  readonly signals: Pick<SignalIntake, 'readRecord' | 'idOf' | 'record' | 'park'>;
  readonly log: Pick<Log, 'warn'>;
}

/**
 * Processes batches from the providers' topics. Unlike events, each signal is its own command with its own key, as over HTTP, and
 * concurrent commands share transactions anyway. So a failing signal is parked without bisecting the batch, and the offset cannot move in
 * the transaction: the bus (Kafka) commits it once every signal is recorded, was recorded before, or is parked. After an outage the whole
 * batch is processed again, and signals that were recorded are recognized by their id.
 */
export class SignalConsumer implements BatchHandler {
  constructor(private readonly options: SignalConsumerOptions) {}

  /** Tries every record even if one fails, so that a retry has less to do. Records with the same id are processed in order: the first counts. */
  async persist({ records }: Batch): Promise<void> {
    const last = new Map<string, Promise<void>>();
    const all = records.map((record) => {
      const read = this.options.signals.readRecord(record);
      if (!read.ok) return this.park({ record, reason: read.reason, message: read.message });
      const id = this.options.signals.idOf(read.signal);
      const before = last.get(id);
      const done = before ? before.then(() => this.record(record, read.signal)) : this.record(record, read.signal);
      last.set(id, done);
      return done;
    });
    const outcomes = await Promise.allSettled(all);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async record(record: TopicRecord, signal: Signal): Promise<void> {
    try {
      const recorded = await this.options.signals.record(signal);
      if ('refused' in recorded) await this.park({ record, reason: recorded.refused.reason, message: recorded.refused.message });
    } catch (error) {
      // A rule that throws would throw on every retry: only this record is parked.
      if (!(error instanceof HandlerFailed)) throw error;
      await this.park({ record, reason: 'handler-failed', message: error.message });
    }
  }

  private async park(message: RefusedMessage): Promise<void> {
    await this.options.signals.park(message);
    logParked(this.options.log, 'intake', [message]);
  }
}
