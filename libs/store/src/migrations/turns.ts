import type { MigrationInterface, QueryRunner } from 'typeorm';
import { daysFunction } from './outbox.js';

/**
 * What one process of a service does at a time: it holds the row locked until its transaction ends. A row and not an advisory lock, which
 * every role of the database could take and so keep the service from ever having its turn.
 *
 *   relay           sends what a crash left in the outbox
 *   outbox days     makes and drops partitions of the outbox
 *   group <name>    sorts out who reads which partition on the embedded bus; made when the group is joined first
 */
export class Turns1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE turn (name text PRIMARY KEY)');
    await runner.query(`INSERT INTO turn (name) VALUES ('relay'), ('outbox days')`);
    await runner.query(await daysFunction(runner, `PERFORM FROM turn WHERE turn.name = 'outbox days' FOR UPDATE`));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(await daysFunction(runner));
    await runner.query('DROP TABLE turn');
  }
}
