import type { Change } from '@readmit/bus';
import type { Tx } from '@readmit/store';
import { saveLedger, type CaseWords, type RepudiationWords } from './ledger.js';
import { saveSignalRows, type SignalRow } from './signal-rows.js';

/** What commands of intake hand to the transaction beside their events. */
export type IntakeRow = CaseWords | RepudiationWords | SignalRow;

export const rowsOf = (change: Change): readonly IntakeRow[] => change.rows as readonly IntakeRow[];

/** Everything that intake keeps beside facts, with the transaction that made it: a constant number of statements. */
export async function saveRows(tx: Tx, changes: readonly Change[]): Promise<void> {
  await saveLedger(tx, changes);
  await saveSignalRows(
    tx,
    changes.flatMap((change) => rowsOf(change).flatMap((row) => (row.kind === 'words' || row.kind === 'repudiation' ? [] : [row]))),
  );
}
