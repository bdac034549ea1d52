import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 *   intake.case_reader        who reads a case because of a part in it, newest first for each person; it only grows
 *   intake.open_case          cases that are not closed, under everything that bounds them: subject, requester, object
 *   intake.case_repudiation   why somebody repudiated a case, in words, and their salt: on no topic, erasable
 *
 * `bound` is the JSON of a list, so that no id can be taken for two: ["subject","ada"].
 */
export class IntakeReaders1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE case_reader (
        person text COLLATE "C" NOT NULL,
        opened_at timestamptz NOT NULL,
        case_id text NOT NULL,
        PRIMARY KEY (person, opened_at, case_id)
      )`);
    await runner.query(`
      CREATE TABLE open_case (
        bound text COLLATE "C" NOT NULL,
        case_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (bound, case_id)
      ) WITH (autovacuum_vacuum_scale_factor = 0.01)`);
    await runner.query('CREATE INDEX open_case_by_case ON open_case (case_id)');
    await runner.query(`
      CREATE TABLE case_repudiation (
        case_id text PRIMARY KEY, salt text NOT NULL, reason text NOT NULL, by text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    // Cases from before: who asked, whom it is about, and who was attested in a team that verifies or decides.
    await runner.query(`
      INSERT INTO case_reader (person, opened_at, case_id)
      SELECT view -> 'subject' ->> 'id', opened_at, case_id FROM case_ledger WHERE view -> 'subject' ->> 'id' IS NOT NULL
      UNION SELECT view -> 'requester' ->> 'id', opened_at, case_id FROM case_ledger WHERE view -> 'requester' ->> 'id' IS NOT NULL
      UNION SELECT person ->> 'id', l.opened_at, l.case_id
        FROM case_ledger l
        JOIN fact a ON a.key = l.case_id AND a.type = 'readmit.people.attested'
        JOIN fact c ON c.key = l.case_id AND c.type = 'readmit.case.classified'
        CROSS JOIN jsonb_array_elements(a.data -> 'people') person
        WHERE person ->> 'employment' <> 'vendor' AND person -> 'teams' ?| ARRAY(
          SELECT jsonb_path_query(c.data, '$.requirements.verifiers[*]') #>> '{}'
          UNION SELECT jsonb_path_query(c.data, '$.requirements.quorum[*].teams[*]') #>> '{}')
      ON CONFLICT DO NOTHING`);
    await runner.query(`
      WITH live AS (SELECT case_id, view FROM case_ledger WHERE state <> 'closed' AND view ? 'subject'),
      objects AS (
        SELECT case_id, view, to_json(ask ->> 'connector')::text || ',' || to_json(ask ->> 'object')::text AS object
        FROM live CROSS JOIN jsonb_array_elements(view -> 'asks') ask)
      INSERT INTO open_case (bound, case_id)
      SELECT '["subject",' || to_json(view -> 'subject' ->> 'id')::text || ']', case_id FROM live
      UNION SELECT '["anonymous-subject",' || to_json(view -> 'subject' ->> 'id')::text || ']', case_id FROM live
        WHERE view -> 'requester' ->> 'kind' = 'anonymous'
      UNION SELECT '["requester",' || to_json(view -> 'requester' ->> 'id')::text || ']', case_id FROM live
        WHERE view -> 'requester' ? 'id'
      UNION SELECT '["object",' || object || ']', case_id FROM objects
      UNION SELECT '["anonymous-object",' || object || ']', case_id FROM objects WHERE view -> 'requester' ->> 'kind' = 'anonymous'`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE case_reader, open_case, case_repudiation');
  }
}
