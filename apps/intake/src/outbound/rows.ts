import type { Change } from '@readmit/runtime';
import type { Tx } from '@readmit/store';
import { rowsOf } from './intake-row.js';
import { saveLedger } from './ledger.js';
import { saveSignalRows } from './signal-rows.js';

/** Saves what intake stores in addition to facts, in the same transaction and a constant number of statements. */
export async function saveRows(tx: Tx, changes: readonly Change[]): Promise<void> {
  await saveLedger(tx, changes);
  await saveSignalRows(
    tx,
    changes.flatMap((change) => rowsOf(change).flatMap((row) => (row.kind === 'words' || row.kind === 'repudiation' ? [] : [row]))),
  );
}
