import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Days that the log of events is kept, and days whose partitions are made ahead. */
const keptDays = 30;
const daysAhead = 3;

/**
 * What a service says when its bus is Kafka: its event log, and what of it Kafka has not confirmed.
 *
 *   outbox          one row per event, insert-only, in daily partitions
 *   outbox_unsent   one row per transaction: written with its events, deleted when Kafka has them
 *   outbox_days()   makes the partitions of the next days and drops those that are past their time
 *
 * Nothing remembers a position in the log, so there is no position that a late commit could be behind: its row appears when it
 * commits. `batch` comes from a sequence while the transaction holds the locks of its aggregates, so it grows along every key.
 */
export class Outbox1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE SEQUENCE outbox_batch');
    await runner.query(`
      CREATE TABLE outbox (
        batch bigint NOT NULL,
        place integer NOT NULL,
        written_at timestamptz NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        headers json NOT NULL,
        value bytea NOT NULL
      ) PARTITION BY RANGE (written_at)`);
    // Bytes of signed events do not compress.
    await runner.query('ALTER TABLE outbox ALTER COLUMN value SET STORAGE EXTERNAL');
    // Rows lie in the order of time: a few bytes per 128 KiB find a range of it, and no insert pays for an index entry.
    await runner.query('CREATE INDEX outbox_by_time ON outbox USING brin (written_at) WITH (pages_per_range = 16, autosummarize = on)');
    // Takes what no day takes, should nobody have called outbox_days() for some days. The bus makes the first ones when it opens.
    await runner.query('CREATE TABLE outbox_default PARTITION OF outbox DEFAULT');
    await runner.query(`
      CREATE TABLE outbox_unsent (
        batch bigint PRIMARY KEY,
        written_at timestamptz NOT NULL,
        events integer NOT NULL
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)`);
    await runner.query(await daysFunction(runner));
    await runner.query('REVOKE ALL ON FUNCTION outbox_days() FROM PUBLIC');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION outbox_days()');
    await runner.query('DROP TABLE outbox_unsent, outbox');
    await runner.query('DROP SEQUENCE outbox_batch');
  }
}

/**
 * Which process wrote a transaction's events and for which keys (64 places that keys share, bit n is place n): so another process sees what it
 * must not overtake. Rows of before are nobody's and have all places.
 */
export class OutboxWriter1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE outbox_unsent
        ADD COLUMN writer uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
        ADD COLUMN places bigint NOT NULL DEFAULT -1`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE outbox_unsent DROP COLUMN writer, DROP COLUMN places');
  }
}

/**
 * The service's role may not make or drop tables. This function does it as the owner, takes no argument, and drops nothing that is
 * younger than its own constant or not yet sent: all that a service can do with it is what the calendar says. `lock`: the statement that lets
 * one do it at a time; the advisory lock is that of a release before, which every role could take (migration Turns1).
 */
export async function daysFunction(
  runner: QueryRunner,
  lock = `PERFORM pg_advisory_xact_lock(hashtext('readmit outbox days'), hashtext(current_schema()))`,
): Promise<string> {
  const [found] = (await runner.query('SELECT quote_ident(current_schema()) AS name')) as { name: string }[];
  if (!found) throw new Error('this is a bug: no schema on the search path');
  return `
    CREATE OR REPLACE FUNCTION outbox_days() RETURNS TABLE (made integer, dropped integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ${found.name}, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
    DECLARE
      today date := clock_timestamp()::date;
      first_unsent date;
      day date;
      name text;
    BEGIN
      made := 0;
      dropped := 0;
      ${lock};
      FOR day IN SELECT today + n FROM generate_series(0, ${daysAhead}) n LOOP
        name := 'outbox_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(quote_ident(current_schema()) || '.' || name) IS NOT NULL;
        BEGIN
          EXECUTE format('CREATE TABLE %I (LIKE outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', name);
          -- Unlike CREATE TABLE ... PARTITION OF, this stops no writer.
          EXECUTE format('ALTER TABLE outbox ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, day::timestamptz, (day + 1)::timestamptz);
          made := made + 1;
        EXCEPTION WHEN check_violation THEN
          -- Events of that day lie in the default partition: the rest of the day goes there too.
          NULL;
        END;
      END LOOP;
      SELECT least(min(written_at)::date, today) INTO first_unsent FROM outbox_unsent;
      FOR name, day IN
        SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'outbox'::regclass AND c.relname ~ '^outbox_[0-9]{8}$'
      LOOP
        CONTINUE WHEN day >= today - ${keptDays} OR day >= coalesce(first_unsent, today);
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
      END LOOP;
      DELETE FROM outbox_default WHERE written_at < least((today - ${keptDays})::timestamptz, coalesce(first_unsent, today)::timestamptz);
      RETURN NEXT;
    END $$`;
}
