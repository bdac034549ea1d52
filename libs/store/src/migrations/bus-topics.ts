import { topics } from '@readmit/contracts';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTopicTables, dropTopicTables } from './topic-tables.js';

/** The topics of the embedded bus, in schema `bus`: two tables each. */
export class BusTopics1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const topic of topics) await createTopicTables(runner, topic);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const topic of topics) await dropTopicTables(runner, topic);
  }
}
