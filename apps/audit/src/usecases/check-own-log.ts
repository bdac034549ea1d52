import { Frontier, leafHash, sameBytes } from '@readmit/contracts';
import { openCheckpoint, type LogKey } from '@readmit/domain';
import type { Store } from '@readmit/store';
import { logTools } from '../outbound/log-crypto.js';
import { checkpointUpTo, entriesFrom } from '../outbound/log-store.js';

/**
 * Refuses to go on with tables that were put back, cut or changed: a log that signs again from there is a fork. The checkpoint
 * that left the house decides, not the tables. @throws {Error} says what does not fit and what to do.
 */
export async function checkOwnLog(store: Pick<Store, 'query'>, key: LogKey, lastNote: string | undefined): Promise<void> {
  const latest = await checkpointUpTo(store);
  if (latest) {
    const own = openCheckpoint(latest.note, key, logTools);
    if (!('checkpoint' in own))
      throw new Error(
        `the log's own checkpoint of size ${latest.size} is not signed by the configured log key (${own.reason}): configure READMIT_LOG_KEY_FILE and READMIT_LOG_ORIGIN of this log`,
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
      `the log has ${size} entries but a checkpoint of ${checkpoint.size} was seen before: entries were lost. Restore the database from a later backup; starting would fork the log`,
    );
  const tree = new Frontier(logTools.sha256);
  while (tree.size < checkpoint.size) {
    const entries = await entriesFrom(store, tree.size, checkpoint.size, 2000);
    if (entries.length === 0 || entries[0]?.index !== tree.size)
      throw new Error(
        `the log lacks entry ${tree.size}, which the checkpoint of size ${checkpoint.size} covers. Restore the database; starting would fork the log`,
      );
    for (const { entry } of entries) tree.append(leafHash(logTools.sha256, entry));
  }
  if (!sameBytes(tree.root(), checkpoint.root))
    throw new Error(
      `the first ${checkpoint.size} entries have another root than the checkpoint seen before: history was changed. Export and verify the log; starting would fork it`,
    );
}
