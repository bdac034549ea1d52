import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The turn of the log's one writer, in the schema of audit: who appends holds this row locked until commit. A row and not an
 * advisory lock: those are open to every role of the cluster, so any service could keep audit from recording.
 */
export class AuditWriter1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE writer (one boolean PRIMARY KEY DEFAULT true, CONSTRAINT there_is_one CHECK (one))');
    await runner.query('INSERT INTO writer DEFAULT VALUES');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE writer');
  }
}
