import type { MigrationInterface, QueryRunner } from 'typeorm';
import { keepWith } from './work-lanes.js';

/**
 * Work of a case with asks about several objects is alone at each of them, not at the first one only.
 *
 *   also_at         its further objects, `[{"connector", "object"}]`; null for nearly all work
 *   stands_in_for   a row that is there only while the work runs, one for each further object, unless it only reads: whatever keeps calls at
 *                   one object apart sees it there, the unique index too, so no other query has to know of several objects
 */
export class WorkAtObjects1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE work ADD COLUMN also_at jsonb, ADD COLUMN stands_in_for text');
    await runner.query('CREATE INDEX stand_ins ON work (stands_in_for) WHERE stands_in_for IS NOT NULL');
    await runner.query(keepWith(', lane, also_at', `, coalesce(w.lane, 'ordinary'), w.also_at`, ', lane text, also_at jsonb'));
    // Work from before: a restoration that has not ended gets the further accounts of its case. One that runs has its rows at its next claim.
    await runner.query(`
      UPDATE work w SET also_at = (
        SELECT jsonb_agg(DISTINCT jsonb_build_object('connector', a ->> 'connector', 'object', a ->> 'object'))
        FROM fact f CROSS JOIN LATERAL jsonb_array_elements(f.data -> 'asks') AS a
        WHERE f.key = w.key AND f.type = 'readmit.case.opened' AND (a ->> 'connector', a ->> 'object') IS DISTINCT FROM (w.connector, w.object))
      WHERE w.kind = 'restore' AND w.state IN ('waiting', 'running')`);
    // The key is nobody's: a row that comes and goes is no work of the case.
    await runner.query(`
      CREATE FUNCTION stand_in() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        DELETE FROM work WHERE stands_in_for = NEW.id;
        IF NEW.state = 'running' THEN
          INSERT INTO work (id, key, kind, connector, object, also_keys, input, not_before, state, lane, lease_until, stands_in_for)
          SELECT NEW.id || '@' || a.connector || '/' || a.object, '', NEW.kind, a.connector, a.object, '{}', '{}', NEW.not_before, 'running', NEW.lane,
            NEW.lease_until, NEW.id
          FROM jsonb_to_recordset(NEW.also_at) AS a (connector text, object text);
        END IF;
        RETURN NULL;
      END $$`);
    await runner.query(`
      CREATE TRIGGER at_every_object AFTER UPDATE OF state, lease_until ON work FOR EACH ROW
      WHEN (NEW.also_at IS NOT NULL AND NEW.lane <> 'reading' AND (OLD.state, OLD.lease_until) IS DISTINCT FROM (NEW.state, NEW.lease_until))
      EXECUTE FUNCTION stand_in()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER at_every_object ON work');
    await runner.query('DROP FUNCTION stand_in()');
    await runner.query('DELETE FROM work WHERE stands_in_for IS NOT NULL');
    await runner.query(keepWith(', lane', `, coalesce(w.lane, 'ordinary')`, ', lane text'));
    await runner.query('DROP INDEX stand_ins');
    await runner.query('ALTER TABLE work DROP COLUMN also_at, DROP COLUMN stands_in_for');
  }
}
