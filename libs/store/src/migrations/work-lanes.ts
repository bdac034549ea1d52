import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Work has lanes, so that what takes power away waits for nothing that somebody asked for, and remembers that its call has begun.
 *
 *   urgent     taking back; comes first at its object, and takes the place of a call whose time is over
 *   ordinary   everything else that changes something outside
 *   reading    changes nothing: excludes nobody and is excluded by nobody
 *   began      the first call to a target was about to be made: from then on nobody knows that nothing was done
 */
export class WorkLanes1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE work
        ADD COLUMN lane text NOT NULL DEFAULT 'ordinary' CONSTRAINT lane_is_known CHECK (lane IN ('urgent', 'ordinary', 'reading')),
        ADD COLUMN began boolean NOT NULL DEFAULT false`);
    // Work from before: execution's kinds by name, and of a restoration that was tried nobody knows that nothing was done.
    // What is over stays as it is: nobody reads it, and there is much of it.
    const open = `state IN ('waiting', 'running')`;
    await runner.query(
      `UPDATE work SET lane = CASE kind WHEN 'undo' THEN 'urgent' ELSE 'reading' END WHERE kind IN ('undo', 'plan') AND ${open}`,
    );
    await runner.query(`UPDATE work SET began = true WHERE kind = 'restore' AND tries > 0 AND ${open}`);
    await runner.query('DROP INDEX one_call_at_a_time');
    await runner.query(`CREATE UNIQUE INDEX one_call_at_a_time ON work (connector, object) WHERE state = 'running' AND lane <> 'reading'`);
    await runner.query('DROP INDEX work_leased, work_due');
    await runner.query(`CREATE INDEX work_leased ON work (lane, lease_until) WHERE state = 'running'`);
    await runner.query(`CREATE INDEX work_due ON work (lane, not_before) WHERE state = 'waiting'`);
    await runner.query(`CREATE INDEX urgent_at_object ON work (connector, object, not_before) WHERE state = 'waiting' AND lane = 'urgent'`);
    // As in TraceOfAggregate1, and the lane.
    await runner.query(keepWith(', lane', `, coalesce(w.lane, 'ordinary')`, ', lane text'));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(keepWith('', '', ''));
    await runner.query('DROP INDEX urgent_at_object, work_due, work_leased, one_call_at_a_time');
    await runner.query(`CREATE INDEX work_leased ON work (lease_until) WHERE state = 'running'`);
    await runner.query(`CREATE INDEX work_due ON work (not_before) WHERE state = 'waiting'`);
    // What runs twice at an object ends one claim: its holder finds the fence moved and reads the target again.
    await runner.query(
      `UPDATE work SET state = 'waiting', lease_until = NULL, fence = fence + 1 WHERE state = 'running' AND lane = 'reading'`,
    );
    await runner.query(`CREATE UNIQUE INDEX one_call_at_a_time ON work (connector, object) WHERE state = 'running'`);
    await runner.query('ALTER TABLE work DROP COLUMN lane, DROP COLUMN began');
  }
}

/** The function that keeps facts and work, with further columns of work. */
export const keepWith = (column: string, value: string, field: string): string => `
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
      INSERT INTO work (id, key, kind, connector, object, also_keys, input, not_before, origin${column})
      SELECT w.id, w.key, w.kind, w.connector, w.object, ARRAY(SELECT jsonb_array_elements_text(w.also_keys)), w.input, w.not_before, w.origin${value}
      FROM jsonb_to_recordset(asked) AS w (id text, key text, kind text, connector text, object text, also_keys jsonb, input jsonb,
        not_before timestamptz, origin jsonb${field})
      ON CONFLICT (id) DO NOTHING;
    END IF;
    IF cancelled IS NOT NULL THEN
      UPDATE work SET state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END, cancel_asked = true
      WHERE id = ANY (cancelled) AND state IN ('waiting', 'running');
    END IF;
  END $$`;
