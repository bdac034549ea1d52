import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables that the audit service may read and append to, and nothing else: its own role cannot rewrite history (R7.2). */
export const auditInsertOnlyTables = ['leaf', 'checkpoint'] as const;

/**
 * The tamper-evident log, in the schema of audit.
 *
 *   leaf         index -> entry bytes; one leaf per event id          insert-only
 *   event        index -> the signed event as it lay on its topic     insert-only
 *   checkpoint   size  -> signed note and the tree's right edge       insert-only
 *   case_watch   cases whose end is watched, and what was said of them
 *
 * The writer holds the row of `writer` (AuditWriter1) until commit: indices have no gap, and every transaction leaves the checkpoint of its end.
 */
export class AuditTables1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE leaf (
        index bigint PRIMARY KEY,
        entry bytea NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        CONSTRAINT index_is_not_negative CHECK (index >= 0),
        CONSTRAINT entry_fits_a_tile CHECK (octet_length(entry) BETWEEN 1 AND 65535),
        CONSTRAINT an_event_has_one_leaf UNIQUE (event_id)
      )`);
    await runner.query(`
      CREATE TABLE event (
        index bigint PRIMARY KEY REFERENCES leaf (index),
        topic text NOT NULL,
        key text COLLATE "C" NOT NULL,
        headers jsonb NOT NULL,
        value bytea NOT NULL
      )`);
    await runner.query('CREATE INDEX event_of_key ON event (key, index)');
    await runner.query('ALTER TABLE event ALTER COLUMN value SET STORAGE EXTERNAL');
    await runner.query(`
      CREATE TABLE checkpoint (
        size bigint PRIMARY KEY,
        root bytea NOT NULL,
        frontier bytea NOT NULL,
        note text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT root_is_a_hash CHECK (octet_length(root) = 32),
        CONSTRAINT frontier_is_of_hashes CHECK (octet_length(frontier) % 32 = 0)
      )`);
    await runner.query(`
      CREATE TABLE case_watch (
        case_id text COLLATE "C" PRIMARY KEY,
        look_at timestamptz,
        said text[] NOT NULL DEFAULT '{}'
      ) WITH (fillfactor = 70)`);
    await runner.query('CREATE INDEX case_to_look_at ON case_watch (look_at) WHERE look_at IS NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE case_watch, checkpoint, event, leaf');
  }
}
