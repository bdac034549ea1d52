import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What intake stores to send notices by mail. Addresses are on no topic; each row is deleted when its time is over.
 *
 *   intake.notice_address     the addresses that people have, and had until `gone_at`: somebody who can change an address must not silence
 *                             the one from before
 *   intake.notice_source      the signed directory that those come from: one row
 *   intake.notice_delivery    which addresses a notice was sent to, and whether they accepted it; deleted when the notice is done
 *   intake.notice_turn        when a notice that may be held back is or was due, by recipient
 */
export class NoticeAddresses1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE notice_address (
        person text COLLATE "C" NOT NULL,
        address text COLLATE "C" NOT NULL,
        seen_at timestamptz NOT NULL,
        gone_at timestamptz,
        PRIMARY KEY (person, address)
      )`);
    await runner.query('CREATE INDEX notice_address_gone ON notice_address (gone_at) WHERE gone_at IS NOT NULL');
    await runner.query(`
      CREATE TABLE notice_source (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        digest text NOT NULL,
        issued_at timestamptz NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE notice_delivery (
        notice_id text COLLATE "C" NOT NULL,
        address text COLLATE "C" NOT NULL,
        accepted boolean NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (notice_id, address)
      )`);
    await runner.query('CREATE INDEX notice_delivery_at ON notice_delivery (at)');
    await runner.query(`
      CREATE TABLE notice_turn (
        notice_id text COLLATE "C" PRIMARY KEY,
        person text COLLATE "C" NOT NULL,
        due_at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX notice_turn_by_person ON notice_turn (person, due_at DESC)');
    await runner.query('CREATE INDEX notice_turn_due ON notice_turn (due_at)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE notice_address, notice_source, notice_delivery, notice_turn');
  }
}
