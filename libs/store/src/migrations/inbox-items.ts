import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * For whom undecided cases wait, in the schema of approval: one row for each case and person, the nearest deadline first for each person.
 * An index and no judgement: what a row says is asked of the facts when it is read. A row may be there too much, never too little.
 *
 *   shows_from, shows_until   when it waits: a proof that gets stale is missing again, and nobody says so
 */
export class InboxItems1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE inbox_item (
        person text COLLATE "C" NOT NULL,
        deadline timestamptz NOT NULL,
        case_id text COLLATE "C" NOT NULL,
        shows_from timestamptz NOT NULL,
        shows_until timestamptz NOT NULL,
        PRIMARY KEY (person, deadline, case_id, shows_from)
      ) WITH (autovacuum_vacuum_scale_factor = 0.01)`);
    await runner.query('CREATE INDEX inbox_item_by_case ON inbox_item (case_id)');
    // Undecided cases from before, for everybody who was attested in a team that verifies or decides. The next fact of a case makes its rows exact.
    await runner.query(`
      INSERT INTO inbox_item (person, deadline, case_id, shows_from, shows_until)
      SELECT DISTINCT person ->> 'id', o.deadline, o.key, 'epoch'::timestamptz, o.deadline
      FROM (
        SELECT DISTINCT ON (p.key) p.key, c.data AS classified,
          p.at::timestamptz + make_interval(secs => (c.data -> 'requirements' ->> 'decideWithinSeconds')::int) AS deadline
        FROM fact p JOIN fact c ON c.key = p.key AND c.type = 'readmit.case.classified'
        WHERE p.type = 'readmit.plan.proposed' AND NOT EXISTS (
          SELECT FROM fact e WHERE e.key = p.key AND e.type IN ('readmit.approval.granted', 'readmit.approval.denied',
            'readmit.approval.expired', 'readmit.approval.withdrawn', 'readmit.case.frozen', 'readmit.containment.ordered'))
        ORDER BY p.key, p.at DESC, p.id DESC, c.at DESC, c.id DESC) o
      JOIN fact a ON a.key = o.key AND a.type = 'readmit.people.attested'
      CROSS JOIN jsonb_array_elements(a.data -> 'people') person
      WHERE person -> 'teams' ?| ARRAY(
        SELECT jsonb_path_query(o.classified, '$.requirements.verifiers[*]') #>> '{}'
        UNION SELECT jsonb_path_query(o.classified, '$.requirements.quorum[*].teams[*]') #>> '{}')`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE inbox_item');
  }
}
