import type { Change } from '@readmit/runtime';
import type { SealedRow } from '@readmit/domain';
import type { Store, Tx } from '@readmit/store';

/** Saves and drops sealed secrets in at most two statements, whatever the number of cases. A new secret replaces the previous one. */
export async function saveSealed(tx: Tx, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap((change) => (change.rows as readonly SealedRow[]).map((row) => ({ row, caseId: change.key })));
  const dropped = rows.flatMap(({ row, caseId }) =>
    'drop' in row ? [{ caseId, recipient: row.drop === 'all' ? null : row.drop.recipient }] : [],
  );
  if (dropped.length > 0)
    await tx.query(
      'DELETE FROM sealed s USING unnest($1::text[], $2::text[]) AS d(c, r) WHERE s.case_id = d.c AND (d.r IS NULL OR s.recipient = d.r)',
      [dropped.map((row) => row.caseId), dropped.map((row) => row.recipient)],
    );
  const put = rows.flatMap(({ row, caseId }) => ('put' in row ? [{ ...row.put, caseId }] : []));
  if (put.length > 0)
    await tx.query(
      `INSERT INTO sealed (case_id, recipient, jwe, ciphertext_digest) SELECT c, r, j, d FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS p(c, r, j, d)
       ON CONFLICT (case_id, recipient) DO UPDATE SET jwe = excluded.jwe, ciphertext_digest = excluded.ciphertext_digest, sealed_at = clock_timestamp()`,
      [put.map((row) => row.caseId), put.map((row) => row.recipient), put.map((row) => row.jwe), put.map((row) => row.ciphertextDigest)],
    );
}

export async function sealedFor(
  store: Store,
  caseId: string,
  recipient: string,
): Promise<{ jwe: string; ciphertextDigest: string } | undefined> {
  const rows = await store.query<{ jwe: string; ciphertext_digest: string }>(
    'SELECT jwe, ciphertext_digest FROM sealed WHERE case_id = $1 AND recipient = $2',
    [caseId, recipient],
  );
  return rows[0] && { jwe: rows[0].jwe, ciphertextDigest: rows[0].ciphertext_digest };
}
