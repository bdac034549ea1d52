import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What records for SIEMs repeat of their case, in the schema of audit: one row a case, written when the log records its opening and of its
 * grant, in the transaction of those entries. It can be made again from the log.
 *
 *   case_whose   case -> subject, requester, what was asked for; approvers, what each obligation undoes
 */
export class CaseWhose1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // json and not jsonb: it gives back the order of fields, and a record is the same bytes from the topic and from an export.
    await runner.query('CREATE TABLE case_whose (case_id text COLLATE "C" PRIMARY KEY, whose json NOT NULL) WITH (fillfactor = 70)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE case_whose');
  }
}
