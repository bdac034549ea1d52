import { topicOf } from '@readmit/contracts';
import { packed, type Store, type Tx } from '@readmit/store';
import type { KnownCase, LoggedRecord } from '@readmit/domain';

/** The end of the log: its last checkpoint, and which of the received events are in the log already. */
export interface LogHead {
  readonly now: Date;
  readonly size: number;
  readonly frontier: Uint8Array;
  readonly note: string | undefined;
  /** When a checkpoint last became an entry. */
  readonly checkpointEntryAt: Date | undefined;
  /** Entries of received events that are in the log already, by event id. */
  readonly known: ReadonlyMap<string, Uint8Array>;
  /** What the log has about the requested cases; without a case that has no entry. */
  readonly cases: ReadonlyMap<string, KnownCase>;
}
export interface NewLeaf {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly eventId: string;
  readonly record: LoggedRecord;
}
export interface NewCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  readonly frontier: Uint8Array;
  readonly note: string;
  readonly at: Date;
}

/**
 * Takes the writer's lock until the end of the transaction; calling it again in the same transaction has no effect. Always the first lock,
 * so that writers cannot deadlock. A row that only audit's role can lock: an advisory lock could be held by any role of the cluster.
 * @throws {Error} if the row is missing: writers would not exclude each other.
 */
export async function lockLog(tx: Tx): Promise<void> {
  const rows = await tx.query('SELECT one FROM writer FOR UPDATE');
  if (rows.length !== 1)
    throw new Error(
      'the table writer of the audit schema has no row, and nothing is recorded without it. Insert it again (INSERT INTO writer DEFAULT VALUES)',
    );
}

/**
 * Takes the writer's lock until the end of the transaction and reads the head. Two statements on purpose, in one round trip: a statement
 * sees what was committed before it started, so the read must start after the lock is held.
 */
export async function lockHead(tx: Tx, eventIds: readonly string[], cases: readonly string[]): Promise<LogHead> {
  const locked = lockLog(tx);
  const read = tx.query<{
    now: Date;
    size: string | null;
    frontier: Buffer | null;
    note: string | null;
    entry_at: Date | null;
    known: string[];
    entries: Buffer[];
    cases: Record<string, KnownCase>;
  }>(
    `SELECT clock_timestamp() AS now, c.size, c.frontier, c.note,
       (SELECT k.at FROM checkpoint k WHERE k.size > (SELECT l.index FROM leaf l WHERE l.key = $2 AND l.topic = $3 ORDER BY l.index DESC LIMIT 1)
          ORDER BY k.size LIMIT 1) AS entry_at,
       known.ids AS known, known.entries,
       (SELECT coalesce(json_object_agg(case_id, whose), '{}') FROM case_whose WHERE case_id = ANY ($4)) AS cases
     FROM (SELECT coalesce(array_agg(event_id::text), '{}') AS ids, coalesce(array_agg(entry), '{}') AS entries
             FROM leaf WHERE event_id = ANY ($1)) known LEFT JOIN LATERAL (SELECT * FROM checkpoint ORDER BY size DESC LIMIT 1) c ON true`,
    [eventIds, logKeyOfOwnEvents, topicOf('audit'), cases],
  );
  const [, [row]] = await Promise.all([locked, read]);
  if (!row) throw new Error('this is a bug: the head of the log is one row');
  return {
    now: row.now,
    size: Number(row.size ?? 0),
    frontier: row.frontier ?? new Uint8Array(),
    note: row.note ?? undefined,
    checkpointEntryAt: row.entry_at ?? undefined,
    known: new Map(row.known.map((id, at) => [id, row.entries[at] ?? new Uint8Array()])),
    cases: new Map(Object.entries(row.cases)),
  };
}

/** Key of events about the log itself. */
export const logKeyOfOwnEvents = 'log';

/**
 * Appends leaves with their events, what is now known of their `cases`, and the checkpoint that covers them, in one statement. Cases in
 * `watch` are to be checked at `lookAt`; a check that is already due between `notBefore` and then stays: moving it with each entry would
 * rewrite its row and index several times per case.
 */
export function append(
  tx: Tx,
  leaves: readonly NewLeaf[],
  checkpoint: NewCheckpoint,
  cases: ReadonlyMap<string, KnownCase>,
  watch: { readonly cases: readonly string[]; readonly notBefore: Date; readonly lookAt: Date },
): Promise<unknown> {
  const entries = packed(leaves.map(({ entry }) => entry));
  const headers = packed(leaves.map(({ record }) => JSON.stringify(record.headers)));
  const values = packed(leaves.map(({ record }) => record.value));
  return tx.query(
    `WITH l AS (INSERT INTO leaf (index, entry, event_id, topic, key, headers, value)
         SELECT index, substr($2::bytea, entry_start, entry_length), event_id, topic, key,
           convert_from(substr($6::bytea, headers_start, headers_length), 'UTF8')::json, substr($7::bytea, value_start, value_length)
         FROM unnest($1::bigint[], $3::text[], $4::text[], $5::text[], $18::int[], $19::int[], $20::int[], $21::int[], $22::int[], $23::int[])
           AS r (index, event_id, topic, key, entry_start, entry_length, headers_start, headers_length, value_start, value_length)),
       w AS (INSERT INTO case_watch (case_id, look_at) SELECT DISTINCT k, $13::timestamptz FROM unnest($14::text[]) k
         ON CONFLICT (case_id) DO UPDATE SET look_at = excluded.look_at
           WHERE case_watch.look_at IS NULL OR case_watch.look_at NOT BETWEEN $15::timestamptz AND excluded.look_at),
       c AS (INSERT INTO case_whose (case_id, whose) SELECT * FROM unnest($16::text[], $17::json[])
         ON CONFLICT (case_id) DO UPDATE SET whose = excluded.whose)
     INSERT INTO checkpoint (size, root, frontier, note, at) VALUES ($8, $9, $10, $11, $12)`,
    [
      leaves.map(({ index }) => index),
      entries.bytes,
      leaves.map(({ eventId }) => eventId),
      leaves.map(({ record }) => record.topic),
      leaves.map(({ record }) => record.key),
      headers.bytes,
      values.bytes,
      checkpoint.size,
      bufferOf(checkpoint.root),
      bufferOf(checkpoint.frontier),
      checkpoint.note,
      checkpoint.at,
      watch.lookAt,
      watch.cases,
      watch.notBefore,
      [...cases.keys()],
      [...cases.values()].map((known) => JSON.stringify(known)),
      ...[entries, headers, values].flatMap(({ starts, lengths }) => [starts, lengths]),
    ],
  );
}

export interface StoredEntry {
  readonly index: number;
  readonly entry: Buffer;
  readonly record: LoggedRecord & { readonly value: Buffer };
}
interface EntryRow {
  readonly index: string;
  readonly entry: Buffer;
  readonly topic: string;
  readonly key: string;
  readonly headers: Record<string, string>;
  readonly value: Buffer;
}
const entryOfRow = ({ index, entry, topic, key, headers, value }: EntryRow): StoredEntry => ({
  index: Number(index),
  entry,
  record: { topic, key, headers, value },
});

/** At most `limit` entries, from an index on, below `size`. */
export async function entriesFrom(store: Pick<Store, 'query'>, from: number, size: number, limit: number): Promise<readonly StoredEntry[]> {
  const rows = await store.query<EntryRow>(
    'SELECT index, entry, topic, key, headers, value FROM leaf WHERE index >= $1 AND index < $2 ORDER BY index LIMIT $3',
    [from, size, limit],
  );
  return rows.map(entryOfRow);
}

/** All entries with these keys, in the order of the log. */
export async function entriesOfKeys(source: Pick<Store, 'query'> | Tx, keys: readonly string[]): Promise<readonly StoredEntry[]> {
  const rows = await source.query<EntryRow>(
    'SELECT index, entry, topic, key, headers, value FROM leaf WHERE key = ANY ($1) ORDER BY index',
    [keys],
  );
  return rows.map(entryOfRow);
}

/** The latest checkpoint whose size is at most `size`. */
export async function checkpointUpTo(
  store: Pick<Store, 'query'>,
  size = Number.MAX_SAFE_INTEGER,
): Promise<{ readonly size: number; readonly root: Buffer; readonly note: string } | undefined> {
  const [row] = await store.query<{ size: string; root: Buffer; note: string }>(
    'SELECT size, root, note FROM checkpoint WHERE size <= $1 ORDER BY size DESC LIMIT 1',
    [size],
  );
  return row && { size: Number(row.size), root: row.root, note: row.note };
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
