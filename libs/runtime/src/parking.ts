/** Where messages that cannot be taken stay with their bytes: they park alone, visibly, and what needs them waits (R8.3). */
import { idFault, isId, isKey, type Draft } from '@readmit/contracts';
import type { Parked, ParkedFilter, ParkedMessages } from './service-definition.js';
import { engineTypes } from './aggregate.js';
import { HandlerFailed } from './blame.js';
import { messageOf } from '@readmit/platform';
import { hearAll, isPoison, keysOfHeard, type Inbox } from './inbox.js';
import { byKeyList, listParked, type parkMessages, sentence, settleParked, showParked, stillParked } from './parked-rows.js';
import type { Pass } from './pass.js';
import type { Transactor } from './transact.js';

/** Has the pass announce messages that were parked and had not been before. */
export function announceParked(pass: Pass, parked: Awaited<ReturnType<typeof parkMessages>>): void {
  for (const row of parked) pass.announce(announcement(pass, row, { action: 'parked' }), {});
}

function announcement(
  pass: Pass,
  row: { readonly id: string; readonly key: string; readonly topic: string; readonly reason: string; readonly says: string },
  what: { readonly action: 'parked' | 'redriven' | 'discarded'; readonly by?: string },
): Draft {
  const key = isKey(row.key) ? row.key : row.id;
  return {
    type: engineTypes(pass.service).parked,
    key,
    data: { key, parkedId: row.id, topic: row.topic, reason: row.reason, says: sentence(row.says), ...what },
  };
}

export class ParkedStore implements ParkedMessages {
  constructor(
    private readonly transactor: Transactor,
    private readonly inbox: Inbox,
  ) {}

  list(filter: ParkedFilter): Promise<readonly Parked[]> {
    return listParked(this.transactor.options.store, filter);
  }

  async show(id: string): Promise<Parked | undefined> {
    return (await showParked(this.transactor.options.store, id))?.parked;
  }

  /** Re-driven: verified anew (any age, when a person asks) and taken through the batch path. Still refused: it stays, with the new reason. */
  async settle(id: string, action: 'redrive' | 'discard', by: string): Promise<Parked | undefined> {
    if (!isId(by)) throw new RangeError(`not an id of who settles it: ${JSON.stringify(by)}: ${idFault(by)}`);
    const found = await showParked(this.transactor.options.store, id);
    if (found?.parked.state !== 'parked') return found?.parked;
    const { parked, record } = found;
    const read = action === 'redrive' ? this.inbox.read(record, this.transactor.now(), by !== byKeyList) : undefined;
    if (read && isPoison(read)) return this.again(id, read.reason, read.says);
    const state = action === 'redrive' ? 'redriven' : 'discarded';
    try {
      await this.transactor.run({
        alone: true,
        keys: () => (read ? keysOfHeard([read]) : []),
        check: (tx) => settleParked(tx, id, state),
        decide: (pass) => {
          if (read) hearAll(pass, [read]);
          pass.announce(announcement(pass, parked, { action: state, by }), {});
        },
      });
    } catch (error) {
      if (error instanceof HandlerFailed) return this.again(id, 'handler-failed', messageOf(error));
      throw error;
    }
    return this.show(id);
  }

  private async again(id: string, reason: string, says: string): Promise<Parked | undefined> {
    await stillParked(this.transactor.options.store, id, reason, says);
    return this.show(id);
  }
}
