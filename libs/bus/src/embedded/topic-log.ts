import { busSchema, packed, tablesOfTopic, type Store, type Tx } from '@readmit/store';
import { partitionOf } from '../partition-of.js';
import type { OutgoingRecord, TopicRecord } from '../port.js';

/** Channel of all hints of the embedded bus in a database: the payload is a topic, or `group <schema>.<group>`. */
export const hintChannel = 'readmit_bus';

export interface LogRow {
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  /** Milliseconds since the epoch. */
  readonly arrived: number;
}
/** Of a topic's table; a producer may not write the column, so the database's clock alone says it (rights: `readmit setup`). */
export const logColumns = `partition, "offset", key, headers, value, floor(date_part('epoch', written_at) * 1000) AS arrived`;

export const toRecord = (topic: string, { partition, offset, key, headers, value, arrived }: LogRow): TopicRecord => ({
  topic,
  partition,
  offset: BigInt(offset),
  key,
  headers,
  value,
  arrivedAt: arrived,
});

/**
 * Appends records to their topics: per topic one statement, whatever the number of records. It locks the heads of the touched
 * partitions in ascending order, takes contiguous offsets in the order of the records, inserts, and hints to the readers.
 *
 * The locks are held until commit. Call it once per transaction: two calls that touch partitions in different orders can
 * deadlock with another writer (PostgreSQL then ends one of the two, and that one is tried again).
 */
export async function append(tx: Tx, records: readonly OutgoingRecord[]): Promise<void> {
  const byTopic = new Map<string, OutgoingRecord[]>();
  for (const record of records) {
    const list = byTopic.get(record.topic);
    if (list) list.push(record);
    else byTopic.set(record.topic, [record]);
  }
  await Promise.all([...byTopic].sort(([a], [b]) => (a < b ? -1 : 1)).map(([topic, list]) => appendTo(tx, topic, list)));
}

async function appendTo(tx: Tx, topic: string, list: readonly OutgoingRecord[]): Promise<void> {
  const partitions = list.map(({ key }) => partitionOf(key));
  const headers = packed(list.map(({ headers }) => JSON.stringify(headers)));
  const values = packed(list.map(({ value }) => value));
  const [written] = await tx.query<{ written: string }>(appendStatement(topic), [
    partitions,
    list.map(({ key }) => key),
    headers.bytes,
    headers.starts,
    headers.lengths,
    values.bytes,
    values.starts,
    values.lengths,
    [...new Set(partitions)],
    hintChannel,
    topic,
  ]);
  if (Number(written?.written) !== list.length) {
    throw new Error(`${topic}: ${written?.written} of ${list.length} records were written: a head row is missing, run readmit setup`);
  }
}

function appendStatement(topic: string): string {
  const { log, head } = tablesOfTopic(topic);
  return `
    WITH incoming AS (
      SELECT * FROM unnest($1::smallint[], $2::text[], $4::int[], $5::int[], $7::int[], $8::int[])
        WITH ORDINALITY AS r (partition, key, headers_start, headers_length, value_start, value_length, place)
    ), wanted AS (
      SELECT partition, count(*) AS records FROM incoming GROUP BY partition
    ), locked AS MATERIALIZED (
      SELECT partition, next_offset FROM ${busSchema}.${head} WHERE partition = ANY ($9::smallint[]) ORDER BY partition FOR UPDATE
    ), moved AS (
      UPDATE ${busSchema}.${head} h SET next_offset = l.next_offset + w.records
      FROM locked l JOIN wanted w USING (partition)
      WHERE h.partition = l.partition
    ), written AS (
      INSERT INTO ${busSchema}.${log} (partition, "offset", key, headers, value)
      SELECT i.partition, l.next_offset + row_number() OVER (PARTITION BY i.partition ORDER BY i.place) - 1, i.key,
        convert_from(substr($3::bytea, i.headers_start, i.headers_length), 'UTF8')::jsonb, substr($6::bytea, i.value_start, i.value_length)
      FROM incoming i JOIN locked l USING (partition)
      RETURNING 1
    )
    SELECT count(*) AS written, pg_notify($10, $11) FROM written`;
}

/** Records of one partition from the offset on, in order. */
export async function readLog(
  store: Store,
  topic: string,
  { partition, from, max }: { readonly partition: number; readonly from: bigint; readonly max: number },
): Promise<readonly TopicRecord[]> {
  const rows = await store.query<LogRow>(
    `SELECT ${logColumns} FROM ${busSchema}.${tablesOfTopic(topic).log}
     WHERE partition = $1 AND "offset" >= $2 ORDER BY "offset" LIMIT $3`,
    [partition, from.toString(), max],
  );
  return rows.map((row) => toRecord(topic, row));
}
