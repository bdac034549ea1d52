/** Parked messages: what cannot be processed is set aside alone, with its bytes, where operators see it, re-drive it or discard it (R8.3). */
import { idFault, isId, isKey, type Draft, type ServiceName } from '@readmit/contracts';
import { messageOf } from '@readmit/platform';
import type { Store } from '@readmit/store';
import type { TopicRecord } from '@readmit/bus';
import { engineTypes } from './aggregate.js';
import { HandlerFailed } from './handler-errors.js';
import { receiveAll, keysOfReceived, type Received, type Inbox } from './inbox.js';
import {
  byKeyList,
  isRefused,
  listParked,
  type parkMessages,
  sentence,
  settleParked,
  showParked,
  stillParked,
  type RefusedMessage,
} from './parked-rows.js';
import type { Changeset } from './changeset.js';
import type { Parked, ParkedFilter, ParkedMessages } from './service-definition.js';
import type { Transactor } from './transact.js';

type Announced = Pick<Parked, 'id' | 'key' | 'topic' | 'reason' | 'says'>;
export interface Settled {
  readonly action: 'redriven' | 'discarded';
  readonly by: string;
}

/** The event that records what became of a parked message. */
export function parkedDraft(service: ServiceName, row: Announced, what: Settled | { readonly action: 'parked' }): Draft {
  const key = isKey(row.key) ? row.key : row.id;
  return {
    type: engineTypes(service).parked,
    key,
    data: { key, parkedId: row.id, topic: row.topic, reason: row.reason, says: sentence(row.says), ...what },
  };
}

/** Announces messages that have just been parked for the first time. */
export function announceParked(changeset: Changeset, parked: Awaited<ReturnType<typeof parkMessages>>): void {
  for (const row of parked) changeset.announce(parkedDraft(changeset.service, row, { action: 'parked' }), {});
}

/** How a kind of message is read and processed again. */
export interface Redriving<Message extends object> {
  /** `replayed`: a person asks for it, so its age does not count. `undefined`: the service does not consume it any more. */
  read(record: TopicRecord, replayed: boolean): Message | RefusedMessage | undefined;
  /** In one transaction: marks the message as settled, processes it when it is re-driven, and announces it. Returns why it is refused again. */
  settle(
    parked: Parked,
    record: TopicRecord,
    settled: Settled,
    message: Message | undefined,
  ): Promise<Pick<RefusedMessage, 'reason' | 'message'> | undefined>;
}

export class ParkedStore<Message extends object> implements ParkedMessages {
  constructor(
    private readonly store: Pick<Store, 'query'>,
    private readonly redriving: Redriving<Message>,
  ) {}

  list(filter: ParkedFilter): Promise<readonly Parked[]> {
    return listParked(this.store, filter);
  }

  async show(id: string): Promise<Parked | undefined> {
    return (await showParked(this.store, id))?.parked;
  }

  /** A re-driven message is verified again and takes the path of a new one. Refused again, it stays parked with the new reason. */
  async settle(id: string, action: 'redrive' | 'discard', by: string): Promise<Parked | undefined> {
    if (!isId(by)) throw new RangeError(`not an id of who settles it: ${JSON.stringify(by)}: ${idFault(by)}`);
    const found = await showParked(this.store, id);
    if (found?.parked.state !== 'parked') return found?.parked;
    const { parked, record } = found;
    const read = action === 'redrive' ? this.redriving.read(record, by !== byKeyList) : undefined;
    const settled: Settled = { action: action === 'redrive' ? 'redriven' : 'discarded', by };
    const refused = read && isRefused(read) ? read : await this.redriving.settle(parked, record, settled, read);
    if (refused) await stillParked(this.store, id, refused.reason, refused.message);
    return this.show(id);
  }
}

/** Events go through the engine's transaction again. */
export const redriveEvents = (transactor: Transactor, inbox: Inbox): Redriving<Received> => ({
  read: (record, replayed) => inbox.read(record, transactor.now(), replayed),
  async settle(parked, _record, settled, received) {
    try {
      await transactor.run({
        alone: true,
        keys: () => (received ? keysOfReceived([received]) : []),
        check: (tx) => settleParked(tx, parked.id, settled.action),
        decide: (changeset) => {
          if (received) receiveAll(changeset, [received]);
          changeset.announce(parkedDraft(changeset.service, parked, settled), {});
        },
      });
      return undefined;
    } catch (error) {
      if (error instanceof HandlerFailed) return { reason: 'handler-failed', message: messageOf(error) };
      throw error;
    }
  },
});
