import { salted } from '@readmit/signing';
import type { Change } from '@readmit/runtime';
import type { Store, Tx } from '@readmit/store';

/** The reason given for ending or containing a case. Stored only here; the event carries its salted digest. */
export interface OrderReason {
  readonly kind: 'words';
  readonly salt: string;
  readonly reason: string;
  readonly digest: string;
}
const isReason = (row: unknown): row is OrderReason => (row as { readonly kind?: unknown } | null)?.kind === 'words';

export const reasonRow = (reason: string): OrderReason => ({ kind: 'words', reason, ...salted(reason) });

/** Saves the reasons whose digest is in an event of this transaction: a repeated order emits nothing, so its reason is not stored. */
export async function saveReasons(tx: Tx, changes: readonly Change[]): Promise<void> {
  const reasons = changes.flatMap(({ key, added, rows }) =>
    rows
      .filter(isReason)
      .filter(({ digest }) => added.some(({ data }) => 'reasonDigest' in data && data.reasonDigest === digest))
      .map((row) => ({ ...row, key })),
  );
  if (reasons.length === 0) return;
  await tx.query(
    `INSERT INTO order_words (case_id, reason_digest, salt, reason) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
     ON CONFLICT DO NOTHING`,
    [
      reasons.map(({ key }) => key),
      reasons.map(({ digest }) => digest),
      reasons.map(({ salt }) => salt),
      reasons.map(({ reason }) => reason),
    ],
  );
}

/** Reasons given in the case, by their digest in its events. */
export async function readReasons(store: Pick<Store, 'query'>, caseId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await store.query<{ reason_digest: string; reason: string }>(
    'SELECT reason_digest, reason FROM order_words WHERE case_id = $1',
    [caseId],
  );
  return new Map(rows.map((row) => [row.reason_digest, row.reason]));
}
