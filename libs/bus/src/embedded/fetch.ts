import { partitionsPerTopic } from '@readmit/contracts';
import { busSchema, tablesOfTopic, type Store } from '@readmit/store';
import type { TopicRecord } from '../port.js';
import { logColumns, toRecord, type LogRow } from './topic-log.js';

/** Bytes of values after which a batch takes no further record. */
const mostBytes = 1_048_576;

/** A held partition of which a batch has records. */
export interface Span {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly from: bigint;
  readonly to: bigint;
}

export interface Fetched {
  readonly records: readonly TopicRecord[];
  readonly spans: readonly Span[];
}

interface FetchRow extends LogRow {
  readonly topic_index: number;
  readonly epoch: string;
  readonly next_offset: string;
}

/**
 * One statement for a batch: what lies behind the owner's positions, over all topics. `turn` is counted up by the caller: it
 * rotates which topic and which partition come first, so that a long backlog of one does not starve the others.
 */
export async function fetch(
  store: Store,
  options: {
    readonly group: string;
    readonly owner: string;
    readonly topics: readonly string[];
    readonly max: number;
    readonly turn: number;
  },
): Promise<Fetched> {
  const { group, owner, topics, max, turn } = options;
  if (topics.length === 0) return { records: [], spans: [] };
  const first = turn % topics.length;
  const rotated = [...topics.slice(first), ...topics.slice(0, first)];
  const rows = await store.query<FetchRow>(statement(rotated), [
    group,
    owner,
    max,
    mostBytes,
    Math.floor(turn / topics.length) % partitionsPerTopic,
  ]);
  return prefixes(rows, rotated);
}

function statement(topics: readonly string[]): string {
  const scans = topics.map(
    (topic, index) => `
      (SELECT ${index} AS topic_index, p.epoch, p.next_offset, r.*
       FROM (SELECT partition, epoch, next_offset FROM position
             WHERE group_name = $1 AND owner = $2 AND topic = '${topic}'
             ORDER BY (partition + $5::int) % ${partitionsPerTopic}) p
       CROSS JOIN LATERAL (SELECT ${logColumns} FROM ${busSchema}.${tablesOfTopic(topic).log}
                           WHERE partition = p.partition AND "offset" >= p.next_offset ORDER BY "offset" LIMIT $3) r)`,
  );
  // The cap in bytes counts what lies before a row: one record larger than the cap still comes, alone.
  return `
    SELECT topic_index, epoch, next_offset, partition, "offset", key, headers, value, arrived
    FROM (SELECT *, coalesce(sum(octet_length(value)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
          FROM (SELECT * FROM (${scans.join(' UNION ALL ')}) scans LIMIT $3) capped) counted
    WHERE bytes_before < $4`;
}

/**
 * Per partition the records that follow each other without a gap. SQL promises no order for what a LIMIT cuts: a record that came
 * without its predecessor is left for the next batch. Only the first may jump, over what retention has removed.
 */
function prefixes(rows: readonly FetchRow[], topics: readonly string[]): Fetched {
  const places = new Map<string, { readonly topic: string; readonly rows: FetchRow[] }>();
  for (const row of rows) {
    const topic = topics[row.topic_index];
    if (topic === undefined) throw new Error('this is a bug: a row of no topic');
    const place = places.get(`${topic}/${row.partition}`);
    if (place) place.rows.push(row);
    else places.set(`${topic}/${row.partition}`, { topic, rows: [row] });
  }
  const records: TopicRecord[] = [];
  const spans: Span[] = [];
  for (const { topic, rows: found } of places.values()) {
    const inOrder = found
      .map((row) => ({ row, record: toRecord(topic, row) }))
      .sort((a, b) => (a.record.offset < b.record.offset ? -1 : 1));
    let next: bigint | undefined;
    for (const { record } of inOrder) {
      if (next !== undefined && record.offset !== next) break;
      records.push(record);
      next = record.offset + 1n;
    }
    const row = inOrder[0]?.row;
    if (row && next !== undefined)
      spans.push({ topic, partition: row.partition, epoch: row.epoch, from: BigInt(row.next_offset), to: next });
  }
  return { records, spans };
}

/** Records behind the owner's positions. */
export async function lagOf(
  store: Store,
  { group, owner, topics }: { readonly group: string; readonly owner: string; readonly topics: readonly string[] },
): Promise<bigint> {
  if (topics.length === 0) return 0n;
  const sums = topics.map(
    (topic) => `
      SELECT greatest(coalesce(l.last + 1, 0) - p.next_offset, 0) AS behind FROM position p
      CROSS JOIN LATERAL (SELECT max("offset") AS last FROM ${busSchema}.${tablesOfTopic(topic).log} WHERE partition = p.partition) l
      WHERE p.group_name = $1 AND p.owner = $2 AND p.topic = '${topic}'`,
  );
  const [row] = await store.query<{ lag: string }>(`SELECT coalesce(sum(behind), 0)::bigint AS lag FROM (${sums.join(' UNION ALL ')}) s`, [
    group,
    owner,
  ]);
  return BigInt(row?.lag ?? 0);
}
