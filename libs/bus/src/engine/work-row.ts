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

/** Takes the rows under the locks of their aggregates, in one statement. Those that somebody else has, or that are not due any more, are left out. */
export async function claimAll(tx: Tx, ids: readonly string[], leaseMs: number): Promise<readonly WorkRow[]> {
  return tx.query<WorkRow>(
    `UPDATE work SET state = 'running', fence = fence + 1, tries = tries + 1, lease_until = clock_timestamp() + make_interval(secs => $2), cancel_asked = false
     WHERE id IN (
       SELECT id FROM work w WHERE id = ANY ($1::text[])
         AND ((state = 'waiting' AND not_before <= clock_timestamp()) OR (state = 'running' AND lease_until <= clock_timestamp()))
         AND NOT EXISTS (SELECT 1 FROM work r WHERE r.state = 'running' AND r.connector = w.connector AND r.object = w.object AND r.id <> w.id)
       ORDER BY id FOR UPDATE SKIP LOCKED)
     RETURNING id, key, kind, connector, object, also_keys, input, not_before, tries, fence, lease_until, origin`,
    [ids, leaseMs / 1000],
  );
}

/** Whose claims still hold, by id; locks them. `cancelled`: it must not be tried again. */
export async function stillClaimed(tx: Tx, rows: readonly WorkRow[]): Promise<ReadonlyMap<string, { readonly cancelled: boolean }>> {
  const found = await tx.query<{ id: string; cancelled: boolean }>(
    `SELECT w.id, w.cancel_asked AS cancelled FROM work w JOIN unnest($1::text[], $2::bigint[]) AS c (id, fence) ON w.id = c.id AND w.fence = c.fence
     WHERE w.state = 'running' ORDER BY w.id FOR UPDATE OF w`,
    [rows.map(({ id }) => id), rows.map(({ fence }) => fence)],
  );
  return new Map(found.map(({ id, cancelled }) => [id, { cancelled }]));
}

/** Of these claims, the ids of those that hold and may go on with a call. */
export const mayCallSql = `
  SELECT w.id, w.fence FROM work w JOIN unnest($1::text[], $2::bigint[]) AS c (id, fence) ON w.id = c.id AND w.fence = c.fence
  WHERE w.state = 'running' AND NOT w.cancel_asked AND w.lease_until > clock_timestamp()`;

/** How a claim is given up. */
export interface Release {
  readonly row: WorkRow;
  readonly state: 'done' | 'cancelled' | 'waiting';
  /** Of `waiting`: when it is due again. */
  readonly notBefore?: Date;
  /** It was not tried, so the try does not count. */
  readonly looked?: boolean;
  readonly error?: string | undefined;
}

/** Gives claims up, in one statement. A row that another has claimed since is left alone. */
export async function release(tx: Tx, releases: readonly Release[]): Promise<void> {
  if (releases.length === 0) return;
  await tx.query(
    `UPDATE work w SET state = r.state, lease_until = NULL, not_before = coalesce(r.not_before, w.not_before), tries = w.tries - r.untried, last_error = r.error
     FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::integer[], $6::text[]) AS r (id, fence, state, not_before, untried, error)
     WHERE w.id = r.id AND w.fence = r.fence`,
    [
      releases.map(({ row }) => row.id),
      releases.map(({ row }) => row.fence),
      releases.map(({ state }) => state),
      releases.map(({ notBefore }) => notBefore ?? null),
      releases.map(({ looked }) => (looked ? 1 : 0)),
      releases.map(({ error }) => error ?? null),
    ],
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
