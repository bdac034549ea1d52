import type { Change } from '@readmit/runtime';
import type { Store, Tx } from '@readmit/store';

/** Which addresses accepted which notice, and when a recipient may get the next notice that can be held back. */
export class NoticeDeliveries {
  constructor(
    private readonly store: Store,
    private readonly perHour: number,
  ) {}

  /** The addresses with an attempt at this notice, the latest attempt last. */
  async of(noticeId: string): Promise<{ readonly accepted: ReadonlySet<string>; readonly tried: readonly string[] }> {
    const rows = await this.store.query<{ address: string; accepted: boolean }>(
      'SELECT address, accepted FROM notice_delivery WHERE notice_id = $1 ORDER BY at',
      [noticeId],
    );
    return {
      accepted: new Set(rows.filter(({ accepted }) => accepted).map(({ address }) => address)),
      tried: rows.map(({ address }) => address),
    };
  }

  async record(noticeId: string, address: string, accepted: boolean): Promise<void> {
    await this.store.query(
      `INSERT INTO notice_delivery AS d (notice_id, address, accepted) VALUES ($1, $2, $3)
       ON CONFLICT (notice_id, address) DO UPDATE SET at = clock_timestamp(), accepted = d.accepted OR excluded.accepted`,
      [noticeId, address, accepted],
    );
  }

  /**
   * Milliseconds until the notice may be sent; 0 or less: now. At most `perHour` notices fall into any hour of a recipient, and each keeps
   * the turn that it got. Two processes that ask at once may give one turn twice: one mail more.
   */
  async turnOf(noticeId: string, person: string): Promise<number> {
    const [row] = await this.store.query<{ wait: number }>(
      `WITH known AS (SELECT due_at FROM notice_turn WHERE notice_id = $1),
       made AS (
         INSERT INTO notice_turn (notice_id, person, due_at)
         SELECT $1, $2, greatest(now(), coalesce(
           (SELECT due_at FROM notice_turn WHERE person = $2 ORDER BY due_at DESC OFFSET $3 LIMIT 1) + interval '1 hour', now()))
         WHERE NOT EXISTS (SELECT FROM known)
         ON CONFLICT (notice_id) DO UPDATE SET person = excluded.person
         RETURNING due_at)
       SELECT (extract(epoch FROM due_at - now()) * 1000)::float8 AS wait FROM (SELECT due_at FROM known UNION ALL SELECT due_at FROM made) t LIMIT 1`,
      [noticeId, person, this.perHour - 1],
    );
    return row?.wait ?? 0;
  }
}

/** Deletes the addresses of notices that are sent or given up, in the transaction that records it. */
export async function forgetDelivered(tx: Tx, changes: readonly Change[]): Promise<void> {
  const done = changes.flatMap(({ added }) =>
    added.flatMap(({ type, data }) =>
      type === 'readmit.notice.sent' || type === 'readmit.notice.given-up' ? [(data as { readonly noticeId: string }).noticeId] : [],
    ),
  );
  if (done.length > 0) await tx.query('DELETE FROM notice_delivery WHERE notice_id = ANY ($1)', [done]);
}
