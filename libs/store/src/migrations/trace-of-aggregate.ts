import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An aggregate remembers the trace that it began in (W3C trace context), so that everything that is said of a case belongs to one trace,
 * no matter who sends commands later and however long it waits. `touch` gives it, `keep` keeps the first.
 */
export class TraceOfAggregate1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE aggregate ADD COLUMN trace text');
    await runner.query('DROP FUNCTION touch(text[], bigint[])');
    // As in TouchKnown1, and the trace.
    await runner.query(`
      CREATE FUNCTION touch(keys text[], known bigint[])
      RETURNS TABLE (now timestamptz, key text, version bigint, wake_at timestamptz, deadline_said timestamptz, trace text, facts jsonb, work jsonb)
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      BEGIN
        INSERT INTO aggregate (key) SELECT DISTINCT k COLLATE "C" FROM unnest(keys) k ORDER BY 1 ON CONFLICT DO NOTHING;
        PERFORM 1 FROM aggregate a WHERE a.key = ANY (keys) ORDER BY a.key FOR UPDATE;
        RETURN QUERY SELECT clock_timestamp(), NULL::text, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::text, NULL::jsonb, NULL::jsonb;
        RETURN QUERY
          SELECT NULL::timestamptz, a.key::text, a.version, a.wake_at, a.deadline_said, a.trace,
            CASE WHEN a.version IS DISTINCT FROM k.version THEN
              (SELECT jsonb_agg(jsonb_build_object('id', f.id, 'type', f.type, 'at', f.at, 'data', f.data)) FROM fact f WHERE f.key = a.key) END,
            CASE WHEN a.version IS DISTINCT FROM k.version THEN (SELECT jsonb_agg(w.id) FROM work w WHERE w.key = a.key) END
          FROM unnest(keys, known) AS k (key, version) JOIN aggregate a ON a.key = k.key ORDER BY a.key;
      END $$`);
    // As in EngineTables1, and the trace.
    await runner.query(`
      CREATE OR REPLACE FUNCTION keep(facts jsonb, changed jsonb, asked jsonb, cancelled text[]) RETURNS void
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      BEGIN
        IF facts IS NOT NULL THEN
          INSERT INTO fact (key, id, type, at, data, cause)
          SELECT f.key, f.id, f.type, f.at, f.data, f.cause
          FROM jsonb_to_recordset(facts) AS f (key text, id text, type text, at text, data jsonb, cause text);
        END IF;
        IF changed IS NOT NULL THEN
          UPDATE aggregate a SET version = c.version, wake_at = c.wake_at, deadline_said = c.deadline_said, trace = coalesce(a.trace, c.trace)
          FROM jsonb_to_recordset(changed) AS c (key text, version bigint, wake_at timestamptz, deadline_said timestamptz, trace text)
          WHERE a.key = c.key;
        END IF;
        IF asked IS NOT NULL THEN
          INSERT INTO work (id, key, kind, connector, object, also_keys, input, not_before, origin)
          SELECT w.id, w.key, w.kind, w.connector, w.object, ARRAY(SELECT jsonb_array_elements_text(w.also_keys)), w.input, w.not_before, w.origin
          FROM jsonb_to_recordset(asked)
            AS w (id text, key text, kind text, connector text, object text, also_keys jsonb, input jsonb, not_before timestamptz, origin jsonb)
          ON CONFLICT (id) DO NOTHING;
        END IF;
        IF cancelled IS NOT NULL THEN
          UPDATE work SET state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END, cancel_asked = true
          WHERE id = ANY (cancelled) AND state IN ('waiting', 'running');
        END IF;
      END $$`);
  }

  /** The functions keep a column that nobody has: down to before them is down to before the column. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION keep(jsonb, jsonb, jsonb, text[]), touch(text[], bigint[])');
    await runner.query('ALTER TABLE aggregate DROP COLUMN trace');
  }
}
