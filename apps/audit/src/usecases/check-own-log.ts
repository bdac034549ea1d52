import { Frontier, leafHash, sameBytes } from '@readmit/contracts';
import { openCheckpoint, type LogKey } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { logTools } from '../outbound/log-crypto.js';
import { checkpointUpTo, entriesFrom } from '../outbound/log-store.js';

/**
 * Refuses to start on tables that were restored, truncated or changed: signing on from there would fork the log. Compared with the last
 * exported checkpoint, because the tables cannot vouch for themselves. @throws {Error} with what differs and what to do.
 */
export async function checkOwnLog(store: Pick<Store, 'query'>, key: LogKey, lastNote: string | undefined): Promise<void> {
  const latest = await checkpointUpTo(store);
  if (latest) {
    const own = openCheckpoint(latest.note, key, logTools);
    if (!('checkpoint' in own))
      throw new Error(
        `the log's own checkpoint of size ${latest.size} is not signed by the configured log key (${own.reason}): set READMIT_LOG_KEY_FILE and READMIT_LOG_ORIGIN to those of this log`,
      );
  }
  if (lastNote === undefined) return;
  const opened = openCheckpoint(lastNote, key, logTools);
  if (!('checkpoint' in opened))
    throw new Error(`the file of READMIT_LAST_CHECKPOINT_FILE is not a checkpoint of this log: ${opened.message}`);
  const { checkpoint } = opened;
  const size = latest?.size ?? 0;
  if (checkpoint.size > size)
    throw new Error(
      `the log has ${size} entries but the checkpoint in READMIT_LAST_CHECKPOINT_FILE covers ${checkpoint.size}: entries were lost. Restore the database from a later backup; starting would fork the log`,
    );
  const tree = new Frontier(logTools.sha256);
  while (tree.size < checkpoint.size) {
    const entries = await entriesFrom(store, tree.size, checkpoint.size, 2000);
    if (entries.length === 0 || entries[0]?.index !== tree.size)
      throw new Error(
        `the log has no entry ${tree.size}, which the checkpoint of size ${checkpoint.size} covers. Restore the database; starting would fork the log`,
      );
    for (const { entry } of entries) tree.append(leafHash(logTools.sha256, entry));
  }
  if (!sameBytes(tree.root(), checkpoint.root))
    throw new Error(
      `the first ${checkpoint.size} entries have another root hash than the checkpoint in READMIT_LAST_CHECKPOINT_FILE: the log was changed. Export and verify the log; starting would fork it`,
    );
}
