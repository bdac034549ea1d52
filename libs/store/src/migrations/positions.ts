import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Consumer groups of the embedded bus, in the schema of the service that consumes.
 *
 *   member    who lives and reads which topics: the lease is renewed by the member, by the database's clock
 *   position  per (group, topic, partition): the next offset to read, who owns it, and how often it was claimed
 *
 * A partition is free when it has no owner or its owner has no lease. The lease stands once, with the member, so that renewing
 * it does not touch the positions that transactions move. `epoch` grows with each claim: a stale owner's move finds no row.
 */
export class Positions1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE member (
        group_name text NOT NULL,
        member text NOT NULL,
        topics text[] NOT NULL,
        lease_until timestamptz NOT NULL,
        PRIMARY KEY (group_name, member)
      ) WITH (fillfactor = 50)`);
    await runner.query(`
      CREATE TABLE position (
        group_name text NOT NULL,
        topic text NOT NULL,
        partition smallint NOT NULL,
        next_offset bigint NOT NULL DEFAULT 0,
        owner text,
        epoch bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (group_name, topic, partition),
        CONSTRAINT offset_is_not_negative CHECK (next_offset >= 0)
      ) WITH (fillfactor = 10)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE position, member');
  }
}
