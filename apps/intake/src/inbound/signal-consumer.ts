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
 * What intake makes of a batch from the topics of the providers. It differs from a batch of events: each signal is a command with a key of
 * its own, as over HTTP, and commands that run at the same time share transactions anyway. So one that fails is parked without bisecting,
 * and the position cannot move in the transaction: the bus (Kafka) confirms it once every signal is recorded, was recorded before, or is
 * parked. After an outage the whole batch is repeated, and signals that were recorded are recognised.
 */
export class SignalConsumer implements BatchHandler {
  constructor(private readonly options: SignalConsumerOptions) {}

  /** Tries every record, whatever becomes of one, so that a retry has less to do. Records of one signal go in order: the first counts. */
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
      // A rule that throws would throw at every retry: this record is parked and the others go on.
      if (!(error instanceof HandlerFailed)) throw error;
      await this.park({ record, reason: 'handler-failed', message: error.message });
    }
  }

  private async park(message: RefusedMessage): Promise<void> {
    await this.options.signals.park(message);
    logParked(this.options.log, 'intake', [message]);
  }
}
