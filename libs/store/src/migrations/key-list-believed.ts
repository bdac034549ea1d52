import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The latest key list that the service has believed, so that an older one, put back to hide a revocation, is refused also after a restart. */
export class KeyListBelieved1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE key_list_believed (one boolean PRIMARY KEY DEFAULT true, issued_at timestamptz NOT NULL, CONSTRAINT there_is_one CHECK (one))',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE key_list_believed');
  }
}
