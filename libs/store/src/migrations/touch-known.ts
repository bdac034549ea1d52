import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * `touch` learns which versions its caller remembers: facts and work of an aggregate whose version has not moved are not read again. A version
 * moves with every transaction that adds facts or work, under the lock that `touch` takes.
 */
export class TouchKnown1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION touch(text[])');
    // The first row carries the clock alone. Facts are read after the locks, by a snapshot of that statement: what another
    // transaction committed while this one waited is seen. Locks are taken in key order, so two transactions never wait in a ring.
    await runner.query(`
      CREATE FUNCTION touch(keys text[], known bigint[])
      RETURNS TABLE (now timestamptz, key text, version bigint, wake_at timestamptz, deadline_said timestamptz, facts jsonb, work jsonb)
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      BEGIN
        INSERT INTO aggregate (key) SELECT DISTINCT k COLLATE "C" FROM unnest(keys) k ORDER BY 1 ON CONFLICT DO NOTHING;
        PERFORM 1 FROM aggregate a WHERE a.key = ANY (keys) ORDER BY a.key FOR UPDATE;
        RETURN QUERY SELECT clock_timestamp(), NULL::text, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::jsonb, NULL::jsonb;
        RETURN QUERY
          SELECT NULL::timestamptz, a.key::text, a.version, a.wake_at, a.deadline_said,
            CASE WHEN a.version IS DISTINCT FROM k.version THEN
              (SELECT jsonb_agg(jsonb_build_object('id', f.id, 'type', f.type, 'at', f.at, 'data', f.data)) FROM fact f WHERE f.key = a.key) END,
            CASE WHEN a.version IS DISTINCT FROM k.version THEN (SELECT jsonb_agg(w.id) FROM work w WHERE w.key = a.key) END
          FROM unnest(keys, known) AS k (key, version) JOIN aggregate a ON a.key = k.key ORDER BY a.key;
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION touch(text[], bigint[])');
  }
}
