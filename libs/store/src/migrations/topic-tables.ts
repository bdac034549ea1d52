import { partitionsPerTopic } from '@readmit/contracts';
import type { QueryRunner } from 'typeorm';
import { tablesOfTopic } from '../schemas.js';

/**
 * The two tables of a topic on the embedded bus:
 *
 *   <topic>        (partition, offset) -> key, headers, value      the outbox row is the log row
 *   <topic>_head   partition -> next offset                        locked by a writer until it commits
 *
 * A commit becomes visible before its locks go, and offsets are taken under the lock: who sees an offset sees all below it.
 */
export async function createTopicTables(runner: QueryRunner, topic: string): Promise<void> {
  const { log, head } = tablesOfTopic(topic);
  await runner.query(`
    CREATE TABLE ${log} (
      partition smallint NOT NULL,
      "offset" bigint NOT NULL,
      key text NOT NULL,
      headers jsonb NOT NULL,
      value bytea NOT NULL,
      written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (partition, "offset"),
      CONSTRAINT partition_exists CHECK (partition >= 0 AND partition < ${partitionsPerTopic})
    )`);
  // Bytes of signed events do not compress, and a compressed value must be read whole to know its length.
  await runner.query(`ALTER TABLE ${log} ALTER COLUMN value SET STORAGE EXTERNAL`);
  // Rewritten by every transaction: room on the page keeps the updates there.
  await runner.query(`
    CREATE TABLE ${head} (
      partition smallint PRIMARY KEY,
      next_offset bigint NOT NULL DEFAULT 0,
      CONSTRAINT offsets_only_grow CHECK (next_offset >= 0)
    ) WITH (fillfactor = 10)`);
  await runner.query(`INSERT INTO ${head} (partition) SELECT generate_series(0, ${partitionsPerTopic - 1})`);
}

export async function dropTopicTables(runner: QueryRunner, topic: string): Promise<void> {
  const { log, head } = tablesOfTopic(topic);
  await runner.query(`DROP TABLE ${log}, ${head}`);
}
