import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Cases that are not closed, newest first: who asks what is open must not read what was closed long ago. */
export class OpenCases1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX case_ledger_open ON case_ledger (opened_at DESC, case_id DESC) WHERE state <> 'closed'`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX case_ledger_open');
  }
}

/** Cases that are not closed, by their subject, in the schema of the scheduler: what a containment of the subject stops. */
export class SubjectCases1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE subject_case (
        case_id text COLLATE "C" PRIMARY KEY,
        subject text COLLATE "C" NOT NULL
      ) WITH (autovacuum_vacuum_scale_factor = 0.01)`);
    await runner.query('CREATE INDEX subject_case_by_subject ON subject_case (subject, case_id)');
    // Cases from before: granted ones until their execution has ended and they owe nothing. The scheduler did not receive the end of those that
    // were never granted, so of these the ones of the last month. A row too much costs one more reading of the target.
    await runner.query(`
      INSERT INTO subject_case (case_id, subject)
      SELECT o.key, o.data -> 'subject' ->> 'id' FROM fact o
      WHERE o.type = 'readmit.case.opened' AND o.data -> 'subject' ->> 'id' IS NOT NULL AND CASE
        WHEN EXISTS (SELECT FROM fact g WHERE g.key = o.key AND g.type = 'readmit.approval.granted')
        THEN NOT EXISTS (
          SELECT FROM fact e WHERE e.key = o.key AND e.type IN ('readmit.execution.succeeded', 'readmit.execution.failed'))
        OR EXISTS (
          SELECT FROM fact r WHERE r.key = o.key AND r.type = 'readmit.obligation.recorded' AND r.data -> 'undo' ->> 'armedBy' <> 'repudiation'
            AND NOT EXISTS (
              SELECT FROM fact d WHERE d.key = o.key AND d.type = 'readmit.obligation.discharged'
                AND d.data ->> 'obligationId' = r.data ->> 'obligationId'))
        ELSE o.at::timestamptz > clock_timestamp() - interval '31 days' END
      ON CONFLICT DO NOTHING`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE subject_case');
  }
}
