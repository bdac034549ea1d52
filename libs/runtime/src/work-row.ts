import type { Tx } from '@readmit/store';
import { lanes, type Lane, type ServiceDefinition, type Work } from './service-definition.js';
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
  readonly origin: Origin;
  readonly began: boolean;
}

/** A row that may be claimed. */
export interface Candidate {
  readonly id: string;
  readonly key: string;
  readonly also_keys: readonly string[];
  readonly connector: string;
  readonly object: string;
}

export const laneOf = (definition: Pick<ServiceDefinition, 'work'>, kind: string): Lane => definition.work[kind]?.lane ?? 'ordinary';

/** A statement of each lane. */
function ofEach(sqlOf: (lane: Lane) => string): Readonly<Record<Lane, string>> {
  return Object.fromEntries(lanes.map((lane) => [lane, sqlOf(lane)])) as Record<Lane, string>;
}

/** Milliseconds of the lease in which the call is made: after it the row still runs, but nobody calls for it. */
export const callMs = (leaseMs: number): number => leaseMs / 2;

/** SQL: what keeps others from the object of `at`, a row of work or an element of its `also_at`. The rows that stand in for `w` are its own. */
const runningAt = (at: string): string => `
  SELECT 1 FROM work r WHERE r.state = 'running' AND r.lane <> 'reading' AND r.connector = ${at}.connector AND r.object = ${at}.object
    AND r.id <> w.id AND r.stands_in_for IS DISTINCT FROM w.id`;
const undoDueAt = (at: string, now: string): string => `
  SELECT 1 FROM work u WHERE u.state = 'waiting' AND u.lane = 'urgent' AND u.connector = ${at}.connector AND u.object = ${at}.object AND u.not_before <= ${now}`;

/** SQL: nobody keeps a row of the lane from its object `w` at the instant. An urgent one gives the seconds of a call as the parameter `callSeconds`. */
function freeAt(lane: Lane, now: string, callSeconds: string): string {
  switch (lane) {
    case 'reading':
      return '';
    // Kept only as long as a call can be under way.
    case 'urgent':
      return `AND NOT EXISTS (${runningAt('w')} AND (r.lane = 'urgent' OR r.lease_until > ${now} + make_interval(secs => ${callSeconds})))`;
    // Work at several objects waits for all of them; others see it at each by the rows that stand in for it while it runs. The unique index
    // would refuse the claim too; this spares the attempt, and lets an undo that waits there go first.
    case 'ordinary':
      return `AND NOT EXISTS (${runningAt('w')}) AND NOT EXISTS (${undoDueAt('w', now)}) AND (w.also_at IS NULL OR NOT EXISTS (
        SELECT 1 FROM jsonb_to_recordset(w.also_at) AS a (connector text, object text)
        WHERE EXISTS (${runningAt('a')}) OR EXISTS (${undoDueAt('a', now)})))`;
  }
}
const withCallSeconds = (lane: Lane, leaseMs: number): readonly number[] => (lane === 'urgent' ? [callMs(leaseMs) / 1000] : []);

/**
 * The first of each connector, then the second of each, and so on: who has much due leaves room for the others. `statement_timestamp()` and
 * not `clock_timestamp()`: an index can only be searched for an instant that stays the same.
 */
function candidatesOf(lane: Lane): string {
  const columns = 'id, key, also_keys, connector, object';
  const wanted = (due: string) => `id <> ALL ($2::text[]) AND connector <> ALL ($3::text[]) AND ${due} <= statement_timestamp()`;
  const due = `
    SELECT ${columns}, not_before AS due_at FROM work w
    WHERE state = 'waiting' AND lane = '${lane}' AND ${wanted('not_before')} ${freeAt(lane, 'statement_timestamp()', '$4')}
    UNION ALL
    SELECT ${columns}, lease_until FROM work WHERE state = 'running' AND lane = '${lane}' AND stands_in_for IS NULL AND ${wanted('lease_until')}`;
  const first = lane === 'reading' ? due : `SELECT DISTINCT ON (connector, object) * FROM (${due}) due ORDER BY connector, object, due_at`;
  return `
    SELECT ${columns} FROM (SELECT *, row_number() OVER (PARTITION BY connector ORDER BY due_at) AS turn FROM (${first}) first) by_turn
    WHERE turn <= $1 ORDER BY turn, due_at LIMIT $1`;
}
const candidatesSql = ofEach(candidatesOf);

/**
 * What a worker of the lane could take now: at most one for each (connector, object) unless it only reads, the oldest of each connector
 * first. A dead worker's row counts once its lease ended. `full`: connectors that have no place.
 */
export const candidates = (
  store: { query<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> },
  lane: Lane,
  { most, except, full, leaseMs }: Search,
): Promise<Candidate[]> => store.query<Candidate>(candidatesSql[lane], [most, except, full, ...withCallSeconds(lane, leaseMs)]);

interface Search {
  readonly most: number;
  readonly except: readonly string[];
  readonly full: readonly string[];
  readonly leaseMs: number;
}

/**
 * Gives back what runs at the objects of these urgent rows though the time for its call is over: its result, if one comes, is dropped by the
 * fence. Locked is the work itself and no row that stands in for it: the trigger takes those after it, and so does everybody else.
 *
 * Here and in the claim the state is asked for in a CASE, which no partial index matches: the rows are named by id, and the planner
 * sometimes combined that index with a scan of everything that waits.
 */
const makeWaySql = `
  UPDATE work SET state = 'waiting', fence = fence + 1, lease_until = NULL
  WHERE id IN (
    SELECT o.id FROM work u JOIN work r ON r.connector = u.connector AND r.object = u.object JOIN work o ON o.id = coalesce(r.stands_in_for, r.id)
    WHERE u.id = ANY ($1::text[]) AND (CASE u.state WHEN 'waiting' THEN u.not_before <= clock_timestamp() END) AND r.state = 'running' AND r.lane = 'ordinary'
      AND o.state = 'running' AND o.lease_until <= clock_timestamp() + make_interval(secs => $2)
    ORDER BY o.id FOR UPDATE OF o SKIP LOCKED)`;

const claimOf = (lane: Lane): string => `
  UPDATE work SET state = 'running', fence = fence + 1, tries = tries + 1, lease_until = clock_timestamp() + make_interval(secs => $2), cancel_asked = false
  WHERE id IN (
    SELECT id FROM work w WHERE id = ANY ($1::text[]) AND lane = '${lane}'
      AND CASE state WHEN 'waiting' THEN not_before <= clock_timestamp() WHEN 'running' THEN lease_until <= clock_timestamp() ELSE false END
      ${freeAt(lane, 'clock_timestamp()', '$3')}
    ORDER BY id FOR UPDATE SKIP LOCKED)
  RETURNING id, key, kind, connector, object, also_keys, input, not_before, tries, fence, origin, began`;
const claimSql = ofEach(claimOf);

/**
 * Takes the rows of the lane under the locks of their aggregates, in one statement; for urgent ones behind one that makes way. Those that
 * somebody else has, or that are not due any more, are left out.
 */
export async function claimAll(tx: Tx, lane: Lane, ids: readonly string[], leaseMs: number): Promise<readonly WorkRow[]> {
  const [, rows] = await Promise.all([
    lane === 'urgent' ? tx.query(makeWaySql, [ids, callMs(leaseMs) / 1000]) : undefined,
    tx.query<WorkRow>(claimSql[lane], [ids, leaseMs / 1000, ...withCallSeconds(lane, leaseMs)]),
  ]);
  return rows;
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

/**
 * Of these claims, the ids of those that hold and may go on with a call. Of the third list, whose first call that is: it is recorded by the
 * statement that allows it, so a call that may have been made is always on record. Rows are written once in their life for it.
 */
export const mayCallSql = `
  WITH held AS (
    SELECT w.id, w.fence, c.begins AND NOT w.began AS mark
    FROM work w JOIN unnest($1::text[], $2::bigint[], $3::boolean[]) AS c (id, fence, begins) ON w.id = c.id AND w.fence = c.fence
    WHERE w.state = 'running' AND NOT w.cancel_asked AND w.lease_until > clock_timestamp()
  ), locked AS (
    SELECT w.id, w.fence FROM work w JOIN held h ON h.id = w.id AND h.fence = w.fence
    WHERE h.mark AND w.state = 'running' AND NOT w.cancel_asked ORDER BY w.id FOR UPDATE OF w
  ), marked AS (
    UPDATE work w SET began = true FROM locked l WHERE w.id = l.id RETURNING w.id
  )
  SELECT id, fence FROM held WHERE NOT mark OR id IN (SELECT id FROM marked)`;

/** How a claim is given up. */
export interface Release {
  readonly row: WorkRow;
  readonly state: 'done' | 'cancelled' | 'waiting';
  /** Of `waiting`: when it is due again. */
  readonly notBefore?: Date;
  /** Of `waiting`: the aggregates that it is begun with next, when they are others. */
  readonly alsoKeys?: readonly string[] | undefined;
  /** It was not tried, so the try does not count. */
  readonly looked?: boolean;
  readonly error?: string | undefined;
}

/** Gives claims up, in one statement. A row that another has claimed since is left alone. */
export async function release(tx: Tx, releases: readonly Release[]): Promise<void> {
  if (releases.length === 0) return;
  await tx.query(
    `UPDATE work w SET state = r.state, lease_until = NULL, not_before = coalesce(r.not_before, w.not_before), tries = w.tries - r.untried, last_error = r.error,
       also_keys = CASE WHEN r.also_keys IS NULL THEN w.also_keys ELSE ARRAY(SELECT jsonb_array_elements_text(r.also_keys)) END
     FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::integer[], $6::text[], $7::jsonb[])
       AS r (id, fence, state, not_before, untried, error, also_keys)
     WHERE w.id = r.id AND w.fence = r.fence`,
    [
      releases.map(({ row }) => row.id),
      releases.map(({ row }) => row.fence),
      releases.map(({ state }) => state),
      releases.map(({ notBefore }) => notBefore ?? null),
      releases.map(({ looked }) => (looked ? 1 : 0)),
      releases.map(({ error }) => error ?? null),
      releases.map(({ alsoKeys }) => (alsoKeys ? JSON.stringify(alsoKeys) : null)),
    ],
  );
}

/** Puts a row whose handler fails off, longer each time; at the try `$3` and later it is due at once, for its end. Gives its tries. */
export const putOffSql = `
  UPDATE work SET tries = tries + 1, last_error = $2, state = 'waiting', lease_until = NULL, fence = fence + 1,
    not_before = clock_timestamp() + CASE WHEN tries + 1 >= $3 THEN 0 ELSE 2 ^ tries END * interval '1 second'
  WHERE id = $1 AND (state = 'waiting' OR (state = 'running' AND lease_until <= clock_timestamp())) RETURNING tries`;

/** The end of a claim whose result can be kept in no form: over, and on record why; what takes power away is never over and is put off. */
export const giveUpSql = `
  UPDATE work SET last_error = $3, lease_until = NULL, state = CASE lane WHEN 'urgent' THEN 'waiting' ELSE 'done' END,
    not_before = CASE lane WHEN 'urgent' THEN clock_timestamp() + interval '5 minutes' ELSE not_before END
  WHERE id = $1 AND fence = $2 AND state = 'running'`;

export const workOf = (row: WorkRow, now: () => Date): Work => ({
  id: row.id,
  kind: row.kind,
  connector: row.connector,
  object: row.object,
  notBefore: row.not_before,
  alsoKeys: row.also_keys,
  input: row.input,
  key: row.key,
  tries: row.tries,
  began: row.began,
  now,
});
