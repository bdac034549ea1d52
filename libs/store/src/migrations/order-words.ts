import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Reasons of the person who ended or contained a case, and their salt: on no topic, erasable. The event has the digest of both. */
export class OrderWords1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE order_words (
        case_id text NOT NULL,
        reason_digest text NOT NULL,
        salt text NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (case_id, reason_digest)
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE order_words');
  }
}
