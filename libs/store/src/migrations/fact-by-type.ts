import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An id enters a set once for each type, and a type belongs to one service. While the id alone counted, a service whose key was
 * stolen could take the id of another's event, and where its own was heard first the other was dropped as a repetition.
 */
export class FactByType1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE fact DROP CONSTRAINT fact_pkey, ADD PRIMARY KEY (key, id, type)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE fact DROP CONSTRAINT fact_pkey, ADD PRIMARY KEY (key, id)');
  }
}
