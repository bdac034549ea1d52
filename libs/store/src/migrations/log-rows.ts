import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A leaf and its event are one row of `leaf`: they are written together and read together, and two tables cost an index and a check of the
 * reference for each event.
 *
 *   leaf   index -> entry bytes and the signed event as it lay on its topic; one leaf per event id   insert-only
 */
export class LogRows1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'ALTER TABLE leaf ADD COLUMN topic text, ADD COLUMN key text COLLATE "C", ADD COLUMN headers json, ADD COLUMN value bytea',
    );
    await runner.query('ALTER TABLE leaf ALTER COLUMN value SET STORAGE EXTERNAL');
    await runner.query(
      'UPDATE leaf l SET topic = e.topic, key = e.key, headers = e.headers, value = e.value FROM event e WHERE e.index = l.index',
    );
    // A leaf without its event would be lost here without a word; it stops the migration.
    await runner.query(
      'ALTER TABLE leaf ALTER COLUMN topic SET NOT NULL, ALTER COLUMN key SET NOT NULL, ALTER COLUMN headers SET NOT NULL, ALTER COLUMN value SET NOT NULL',
    );
    await runner.query('DROP TABLE event');
    await runner.query('CREATE INDEX leaf_of_key ON leaf (key, index)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE event (
        index bigint PRIMARY KEY REFERENCES leaf (index),
        topic text NOT NULL,
        key text COLLATE "C" NOT NULL,
        headers jsonb NOT NULL,
        value bytea NOT NULL
      )`);
    await runner.query('ALTER TABLE event ALTER COLUMN value SET STORAGE EXTERNAL');
    await runner.query('INSERT INTO event (index, topic, key, headers, value) SELECT index, topic, key, headers, value FROM leaf');
    await runner.query('CREATE INDEX event_of_key ON event (key, index)');
    await runner.query('ALTER TABLE leaf DROP COLUMN topic, DROP COLUMN key, DROP COLUMN headers, DROP COLUMN value');
  }
}
