import { salted } from '@readmit/signing';
import type { Change } from '@readmit/runtime';
import type { Store, Tx } from '@readmit/store';

/** Why somebody ended or contained a case, in words. They stay here; the event has the digest of them with the salt. */
export interface OrderWords {
  readonly kind: 'words';
  readonly salt: string;
  readonly reason: string;
  readonly digest: string;
}
const isWords = (row: unknown): row is OrderWords => (row as { readonly kind?: unknown } | null)?.kind === 'words';

export const wordsOf = (reason: string): OrderWords => ({ kind: 'words', reason, ...salted(reason) });

/** Keeps the words whose digest was said in this transaction: a repeated order says nothing, so nothing is kept of it. */
export async function saveWords(tx: Tx, changes: readonly Change[]): Promise<void> {
  const words = changes.flatMap(({ key, added, rows }) =>
    rows
      .filter(isWords)
      .filter(({ digest }) => added.some(({ data }) => 'reasonDigest' in data && data.reasonDigest === digest))
      .map((row) => ({ ...row, key })),
  );
  if (words.length === 0) return;
  await tx.query(
    `INSERT INTO order_words (case_id, reason_digest, salt, reason) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
     ON CONFLICT DO NOTHING`,
    [words.map(({ key }) => key), words.map(({ digest }) => digest), words.map(({ salt }) => salt), words.map(({ reason }) => reason)],
  );
}

/** Reasons of the case by the digest that its events have. */
export async function readWords(store: Pick<Store, 'query'>, caseId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await store.query<{ reason_digest: string; reason: string }>(
    'SELECT reason_digest, reason FROM order_words WHERE case_id = $1',
    [caseId],
  );
  return new Map(rows.map((row) => [row.reason_digest, row.reason]));
}
