import type { Tx } from '@readmit/store';
import type { Work } from '../service-definition.js';
import type { Origin } from './aggregate.js';

export interface WorkRow {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly connector: string;
  readonly object: string;
  readonly also_keys: string[];
  readonly input: Readonly<Record<string, unknown>>;
  readonly not_before: Date;
  readonly tries: number;
  readonly fence: string;
  readonly lease_until: Date;
  readonly origin: Origin;
}

/**
 * What a worker could take now: at most one for each (connector, object), the oldest first. A dead worker's row counts once its lease ended.
 * `statement_timestamp()` and not `clock_timestamp()`: an index can only be searched for an instant that stays the same.
 */
export const candidatesSql = `
  SELECT id, key, also_keys, connector, object FROM (
    SELECT DISTINCT ON (connector, object) id, key, also_keys, connector, object, due_at FROM (
      SELECT id, key, also_keys, connector, object, not_before AS due_at FROM work w
      WHERE state = 'waiting' AND not_before <= statement_timestamp()
        AND NOT EXISTS (SELECT 1 FROM work r WHERE r.state = 'running' AND r.connector = w.connector AND r.object = w.object)
      UNION ALL
      SELECT id, key, also_keys, connector, object, lease_until FROM work WHERE state = 'running' AND lease_until <= statement_timestamp()
    ) due WHERE id <> ALL ($2::text[]) ORDER BY connector, object, due_at
  ) first ORDER BY due_at LIMIT $1`;

/** Milliseconds until something may become due that is not due now. */
export const nextDueSql = `
  SELECT (extract(epoch FROM min(at) - statement_timestamp()) * 1000)::float8 AS ms FROM (
    SELECT min(not_before) AS at FROM work WHERE state = 'waiting' AND not_before > statement_timestamp()
    UNION ALL SELECT min(lease_until) FROM work WHERE state = 'running' AND lease_until > statement_timestamp()
  ) next`;

/** Takes the row under the locks of its aggregates; `undefined`: somebody else has it, or it is not due any more. */
export async function claim(tx: Tx, id: string, leaseMs: number): Promise<WorkRow | undefined> {
  const [row] = await tx.query<WorkRow>(
    `UPDATE work SET state = 'running', fence = fence + 1, tries = tries + 1, lease_until = clock_timestamp() + make_interval(secs => $2), cancel_asked = false
     WHERE id = (
       SELECT id FROM work w WHERE id = $1
         AND ((state = 'waiting' AND not_before <= clock_timestamp()) OR (state = 'running' AND lease_until <= clock_timestamp()))
         AND NOT EXISTS (SELECT 1 FROM work r WHERE r.state = 'running' AND r.connector = w.connector AND r.object = w.object AND r.id <> w.id)
       FOR UPDATE SKIP LOCKED)
     RETURNING id, key, kind, connector, object, also_keys, input, not_before, tries, fence, lease_until, origin`,
    [id, leaseMs / 1000],
  );
  return row;
}

/** Whether this claim still holds the row; locks it. `cancelled`: it must not be tried again. */
export async function stillClaimed(tx: Tx, row: WorkRow): Promise<{ readonly cancelled: boolean } | undefined> {
  const [found] = await tx.query<{ cancelled: boolean }>(
    `SELECT cancel_asked AS cancelled FROM work WHERE id = $1 AND fence = $2 AND state = 'running' FOR UPDATE`,
    [row.id, row.fence],
  );
  return found;
}

export async function endWork(tx: Tx, row: WorkRow, state: 'done' | 'cancelled', error?: string): Promise<void> {
  await tx.query(`UPDATE work SET state = $3, lease_until = NULL, last_error = $4 WHERE id = $1 AND fence = $2`, [
    row.id,
    row.fence,
    state,
    error ?? null,
  ]);
}

/** Lets the row wait. `looked`: it was not tried, so the try does not count. */
export async function postponeWork(
  tx: Tx,
  row: WorkRow,
  notBefore: Date,
  options: { readonly looked: boolean; readonly error?: string },
): Promise<void> {
  await tx.query(
    `UPDATE work SET state = 'waiting', lease_until = NULL, not_before = $3, tries = tries - $4::integer, last_error = $5 WHERE id = $1 AND fence = $2`,
    [row.id, row.fence, notBefore, options.looked ? 1 : 0, options.error ?? null],
  );
}

export const workOf = (row: WorkRow, leaseMs: number): Work => ({
  id: row.id,
  kind: row.kind,
  connector: row.connector,
  object: row.object,
  notBefore: row.not_before,
  alsoKeys: row.also_keys,
  input: row.input,
  key: row.key,
  tries: row.tries,
  callUntil: new Date(row.lease_until.getTime() - leaseMs / 2),
});
