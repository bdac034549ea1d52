import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the engine keeps in each service's schema.
 *
 *   aggregate   what facts are about (nearly always a case): the row that a transaction locks; when to run it again
 *   fact        the set of facts of each aggregate, received and said; insert-only; also the inbox: an id enters a set once
 *   work        slow work for workers: one row, claimed with a lease and a fence, one at a time per (connector, object)
 *   parked      messages that could not be taken, with their bytes
 *
 *   work:    waiting -> running -> done          waiting -> cancelled          running -> waiting (again) | cancelled
 *   parked:  parked -> redriven | discarded
 *
 * The functions `touch` and `keep` are the two statements of every transaction, whatever the size of its batch.
 */
export class EngineTables1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE aggregate (
        key text COLLATE "C" PRIMARY KEY,
        version bigint NOT NULL DEFAULT 0,
        wake_at timestamptz,
        deadline_said timestamptz
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01)`);
    await runner.query('CREATE INDEX aggregate_to_wake ON aggregate (wake_at, key) WHERE wake_at IS NOT NULL');
    await runner.query(`
      CREATE TABLE fact (
        key text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        type text NOT NULL,
        at text COLLATE "C" NOT NULL,
        data jsonb NOT NULL,
        cause text,
        PRIMARY KEY (key, id)
      )`);
    await runner.query(`
      CREATE TABLE work (
        id text PRIMARY KEY,
        key text COLLATE "C" NOT NULL,
        kind text NOT NULL,
        connector text NOT NULL,
        object text NOT NULL,
        also_keys text[] NOT NULL,
        input jsonb NOT NULL,
        not_before timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'waiting',
        tries integer NOT NULL DEFAULT 0,
        fence bigint NOT NULL DEFAULT 0,
        lease_until timestamptz,
        cancel_asked boolean NOT NULL DEFAULT false,
        last_error text,
        origin jsonb NOT NULL DEFAULT '{}',
        CONSTRAINT state_is_known CHECK (state IN ('waiting', 'running', 'done', 'cancelled')),
        CONSTRAINT running_has_a_lease CHECK (state <> 'running' OR lease_until IS NOT NULL)
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01)`);
    await runner.query(`CREATE INDEX work_of_aggregate ON work (key)`);
    await runner.query(`CREATE INDEX work_due ON work (not_before) WHERE state = 'waiting'`);
    await runner.query(`CREATE INDEX work_leased ON work (lease_until) WHERE state = 'running'`);
    await runner.query(`CREATE UNIQUE INDEX one_call_at_a_time ON work (connector, object) WHERE state = 'running'`);
    await runner.query(`
      CREATE TABLE parked (
        id text PRIMARY KEY,
        topic text NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        key text NOT NULL,
        event_id text,
        type text,
        headers jsonb NOT NULL,
        value bytea NOT NULL,
        reason text NOT NULL,
        says text NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        state text NOT NULL DEFAULT 'parked',
        tries integer NOT NULL DEFAULT 1,
        CONSTRAINT a_message_parks_once UNIQUE (topic, partition, "offset"),
        CONSTRAINT state_is_known CHECK (state IN ('parked', 'redriven', 'discarded'))
      )`);
    await runner.query(`CREATE INDEX still_parked ON parked (parked_at) WHERE state = 'parked'`);
    // The first row carries the clock alone. Facts are read after the locks, by a snapshot of that statement: what another
    // transaction committed while this one waited is seen. Locks are taken in key order, so two transactions never wait in a ring.
    await runner.query(`
      CREATE FUNCTION touch(keys text[])
      RETURNS TABLE (now timestamptz, key text, version bigint, wake_at timestamptz, deadline_said timestamptz, facts jsonb, work jsonb)
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      BEGIN
        INSERT INTO aggregate (key) SELECT DISTINCT k COLLATE "C" FROM unnest(keys) k ORDER BY 1 ON CONFLICT DO NOTHING;
        PERFORM 1 FROM aggregate a WHERE a.key = ANY (keys) ORDER BY a.key FOR UPDATE;
        RETURN QUERY SELECT clock_timestamp(), NULL::text, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::jsonb, NULL::jsonb;
        RETURN QUERY
          SELECT NULL::timestamptz, a.key::text, a.version, a.wake_at, a.deadline_said,
            (SELECT jsonb_agg(jsonb_build_object('id', f.id, 'type', f.type, 'at', f.at, 'data', f.data)) FROM fact f WHERE f.key = a.key),
            (SELECT jsonb_agg(w.id) FROM work w WHERE w.key = a.key)
          FROM aggregate a WHERE a.key = ANY (keys) ORDER BY a.key;
      END $$`);
    await runner.query(`
      CREATE FUNCTION keep(facts jsonb, changed jsonb, asked jsonb, cancelled text[]) RETURNS void
      LANGUAGE plpgsql AS $$
      #variable_conflict use_column
      BEGIN
        IF facts IS NOT NULL THEN
          INSERT INTO fact (key, id, type, at, data, cause)
          SELECT f.key, f.id, f.type, f.at, f.data, f.cause
          FROM jsonb_to_recordset(facts) AS f (key text, id text, type text, at text, data jsonb, cause text);
        END IF;
        IF changed IS NOT NULL THEN
          UPDATE aggregate a SET version = c.version, wake_at = c.wake_at, deadline_said = c.deadline_said
          FROM jsonb_to_recordset(changed) AS c (key text, version bigint, wake_at timestamptz, deadline_said timestamptz)
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

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION keep(jsonb, jsonb, jsonb, text[]), touch(text[])');
    await runner.query('DROP TABLE parked, work, fact, aggregate');
  }
}
