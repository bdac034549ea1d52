import { auditOcsfTopic } from '@readmit/contracts';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { tablesOfTopic } from '../schemas.js';
import { createTopicTables, dropTopicTables } from './topic-tables.js';

/** The topic that audit writes for SIEMs. */
export class OcsfTopic1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createTopicTables(runner, auditOcsfTopic);
    // JSON that repeats itself: stored compressed, unlike the bytes of events.
    await runner.query(`ALTER TABLE ${tablesOfTopic(auditOcsfTopic).log} ALTER COLUMN value SET STORAGE EXTENDED`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropTopicTables(runner, auditOcsfTopic);
  }
}
