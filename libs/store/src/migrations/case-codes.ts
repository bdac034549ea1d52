import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Keys and spoken codes of the cases of one subject, to be found without reading those cases: anybody can open as many as the rate limit lets
 * through. Two cases of a subject never have one code. A case without a key of its own is not here.
 */
export class CaseCodes1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE case_code (
        case_id text PRIMARY KEY,
        subject text NOT NULL,
        fingerprint text NOT NULL,
        opened_at timestamptz NOT NULL,
        code text,
        CONSTRAINT code_is_of_one_case UNIQUE (subject, code)
      ) WITH (fillfactor = 70)`);
    await runner.query('CREATE INDEX case_code_by_key ON case_code (subject, fingerprint, opened_at DESC)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE case_code');
  }
}
