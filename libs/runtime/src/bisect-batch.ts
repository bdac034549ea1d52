/**
 * One transaction for a batch, as long as none of its messages is at fault. When one is, the batch is bisected until that message is alone
 * and is parked: one poison message costs a few more transactions and holds up nothing.
 */
import type { Batch } from '@readmit/bus';

export interface BatchTransaction<Message> {
  /** One transaction. `batch`: it moves the position too. `bisecting`: a message in it may be at fault, so it shares the transaction with nothing. */
  transact(messages: readonly Message[], batch: Batch | undefined, bisecting: boolean): Promise<void>;
  /** Whether a message is at fault. An outage is not: the whole batch is retried. */
  isMessageFault(error: unknown): boolean;
  /** What parks the message that is at fault; `undefined` when that is what failed. */
  refused(message: Message, error: unknown): Message | undefined;
}

/** The position moves with the last part: a crash between the parts repeats some of them, which changes nothing. */
export async function persistBisecting<Message>(
  messages: readonly Message[],
  batch: Batch | undefined,
  transaction: BatchTransaction<Message>,
  bisecting = false,
): Promise<void> {
  try {
    await transaction.transact(messages, batch, bisecting);
  } catch (error) {
    if (!transaction.isMessageFault(error)) throw error;
    if (messages.length > 1) {
      const half = Math.ceil(messages.length / 2);
      await persistBisecting(messages.slice(0, half), undefined, transaction, true);
      await persistBisecting(messages.slice(half), batch, transaction, true);
      return;
    }
    const [only] = messages;
    const refused = only && transaction.refused(only, error);
    if (!refused) throw error;
    await transaction.transact([refused], batch, true);
  }
}
