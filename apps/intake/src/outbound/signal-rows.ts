import { parkMessages, settleParked, type RefusedMessage } from '@readmit/runtime';
import type { Tx } from '@readmit/store';

/** Signals that cannot be accepted are parked in intake; these rows are written in the transaction that emits the event about it. */
export type SignalRow =
  | { readonly kind: 'park'; readonly id: string; readonly message: RefusedMessage }
  | { readonly kind: 'redriven'; readonly parkedId: string };

/** The `id` of a row to park has no prefix; the stored one is `parked_<id>`. */
export async function saveSignalRows(tx: Tx, rows: readonly SignalRow[]): Promise<void> {
  const parking = rows.flatMap((row) => (row.kind === 'park' ? [row] : []));
  if (parking.length > 0) {
    const ids = parking.map(({ id }) => id).values();
    await parkMessages(
      tx,
      parking.map(({ message }) => message),
      () => ids.next().value ?? '',
    );
  }
  // An operator re-drives one at a time.
  for (const row of rows) if (row.kind === 'redriven') await settleParked(tx, row.parkedId, 'redriven');
}
