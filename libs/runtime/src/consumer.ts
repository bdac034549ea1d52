/** What the engine makes of a batch: each record is verified, then one transaction decides, saves and moves the position. */
import type { Batch } from '@readmit/bus';
import { crashPoint, messageOf } from '@readmit/platform';
import { persistBisecting, type BatchTransaction } from './bisect-batch.js';
import { HandlerFailed } from './handler-errors.js';
import { receiveAll, keysOfReceived, type Received, type Inbox } from './inbox.js';
import type { BatchHandler } from './message-loop.js';
import type { OpenSpan } from './observer.js';
import { announceParked } from './parking.js';
import { isRefused, logParked, parkMessages, type RefusedMessage } from './parked-rows.js';
import { endWith, traced } from './spans.js';
import type { Transactor } from './transact.js';

type Read = Received | RefusedMessage;

export class EventConsumer implements BatchHandler, BatchTransaction<Read> {
  constructor(
    private readonly transactor: Transactor,
    private readonly inbox: Inbox,
    private readonly newId: () => string,
  ) {}

  async persist(batch: Batch): Promise<void> {
    const now = this.transactor.now();
    const read: Read[] = [];
    for (const record of batch.records) {
      const one = this.inbox.read(record, now);
      if (one) read.push(one);
    }
    await persistBisecting(read, batch, this);
  }

  persisted(): void {
    crashPoint('consumer.after-commit-before-position');
  }

  isMessageFault(error: unknown): boolean {
    return error instanceof HandlerFailed;
  }

  refused(message: Read, error: unknown): Read | undefined {
    return isRefused(message) ? undefined : { record: message.record, reason: 'handler-failed', message: messageOf(error) };
  }

  async transact(read: readonly Read[], batch: Batch | undefined, bisecting: boolean): Promise<void> {
    const { options, counters } = this.transactor;
    const received: Received[] = [];
    const refused: RefusedMessage[] = [];
    const spans: OpenSpan[] = [];
    for (const one of read) {
      if (isRefused(one)) refused.push(one);
      else received.push(traced(options, one, spans));
    }
    let parked: Awaited<ReturnType<typeof parkMessages>> = [];
    const done = this.transactor.run({
      alone: bisecting,
      keys: () => keysOfReceived(received),
      check: async (tx) => {
        if (refused.length > 0) parked = await parkMessages(tx, refused, this.newId);
        return true;
      },
      decide: (changeset) => {
        announceParked(changeset, parked);
        receiveAll(changeset, received);
      },
      after: async (tx) => batch?.commit(tx),
    });
    await endWith(spans, done);
    counters.parked += parked.length;
    logParked(options.log, options.definition.name, refused);
  }
}
