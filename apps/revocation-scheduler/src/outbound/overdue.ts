import type { Change } from '@readmit/runtime';
import type { FactOf } from '@readmit/contracts';
import { instant } from '@readmit/domain';
import type { ServiceFigures } from '@readmit/service';
import type { Store, Tx } from '@readmit/store';

/**
 * Saves which obligations are overdue, in addition to the facts: a gauge that is scraped every few seconds must not search those. No
 * statement unless an undo is late, or was.
 */
export async function saveOverdue(tx: Tx, changes: readonly Change[]): Promise<void> {
  const late = new Map<string, { readonly caseId: string; readonly dueSince: string }>();
  const discharged: string[] = [];
  for (const { key, added, facts } of changes)
    for (const { type, data } of added) {
      if (type === 'readmit.revocation.overdue') late.set(data.obligationId, { caseId: key, dueSince: data.dueSince });
      // Both may come in one transaction, and an obligation that was never late has no row.
      if (type === 'readmit.obligation.discharged' && facts.of('readmit.revocation.overdue').some(isOf(data.obligationId)))
        discharged.push(data.obligationId);
    }
  for (const id of discharged) late.delete(id);
  if (late.size > 0)
    await tx.query(
      `INSERT INTO overdue (obligation_id, case_id, due_since) SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
       ON CONFLICT (obligation_id) DO NOTHING`,
      [[...late.keys()], [...late.values()].map(({ caseId }) => caseId), [...late.values()].map(({ dueSince }) => dueSince)],
    );
  if (discharged.length > 0) await tx.query('DELETE FROM overdue WHERE obligation_id = ANY ($1::text[])', [discharged]);
}
const isOf =
  (obligationId: string) =>
  ({ data }: FactOf<'readmit.revocation.overdue'>): boolean =>
    data.obligationId === obligationId;

/** The hundred obligations that have been overdue the longest. */
export async function overdueNow(
  store: Pick<Store, 'query'>,
): Promise<{ readonly caseId: string; readonly obligationId: string; readonly dueSince: string }[]> {
  const rows = await store.query<{ obligation_id: string; case_id: string; due_since: Date }>(
    'SELECT obligation_id, case_id, due_since FROM overdue ORDER BY due_since, obligation_id LIMIT 100',
  );
  return rows.map((row) => ({ caseId: row.case_id, obligationId: row.obligation_id, dueSince: instant(row.due_since) }));
}

export const overdueFigures = (store: Store): ServiceFigures => ({
  gauges: {
    overdue_obligations: 'Grants that are still active past their deadline: the undo is late. Alert when above 0.',
    overdue_oldest_seconds: 'Seconds since the oldest overdue undo was due.',
  },
  async read() {
    const [row] = await store.query<{ late: number; oldest: number | null }>(
      `SELECT count(*)::integer AS late, extract(epoch FROM clock_timestamp() - min(due_since))::float8 AS oldest FROM overdue`,
    );
    return { overdue_obligations: row?.late ?? 0, overdue_oldest_seconds: row?.oldest ?? 0 };
  },
});
