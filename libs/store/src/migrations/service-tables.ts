import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What services keep in addition to facts.
 *
 *   intake.case_ledger       one row per case, for lists: a projection of the facts, written with them
 *   intake.case_words        the requester's words and their salt: on no topic, erasable
 *   approval.evidence_note   the words of a proof and their salt: on no topic, erasable
 *   execution.sealed         secrets sealed to a recipient's key, until they are picked up or voided
 *   revocation-scheduler.overdue   obligations that were called overdue and are not discharged: nearly always none
 */
export class IntakeTables1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE case_ledger (
        case_id text PRIMARY KEY,
        version bigint NOT NULL,
        state text NOT NULL CONSTRAINT state_is_known CHECK (state IN
          ('opened','classified','planned','awaiting-approval','approved','executing','granted','ending','closed')),
        subject text NOT NULL,
        opened_at timestamptz NOT NULL,
        view jsonb NOT NULL
      ) WITH (fillfactor = 70)`);
    await runner.query('CREATE INDEX case_ledger_newest ON case_ledger (opened_at DESC, case_id DESC)');
    await runner.query('CREATE INDEX case_ledger_by_state ON case_ledger (state, opened_at DESC, case_id DESC)');
    await runner.query('CREATE INDEX case_ledger_by_subject ON case_ledger (subject, opened_at DESC, case_id DESC)');
    await runner.query('CREATE TABLE case_words (case_id text PRIMARY KEY, salt text NOT NULL, reason text NOT NULL)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE case_ledger, case_words');
  }
}

export class ApprovalTables1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE evidence_note (evidence_id text PRIMARY KEY, case_id text NOT NULL, salt text NOT NULL, note text NOT NULL)',
    );
    await runner.query('CREATE INDEX evidence_note_by_case ON evidence_note (case_id)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE evidence_note');
  }
}

export class ExecutionTables1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sealed (
        case_id text NOT NULL,
        recipient text NOT NULL,
        jwe text NOT NULL,
        ciphertext_digest text NOT NULL,
        sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (case_id, recipient)
      )`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE sealed');
  }
}

export class SchedulerTables1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE overdue (obligation_id text PRIMARY KEY, case_id text NOT NULL, due_since timestamptz NOT NULL)');
    await runner.query(`
      INSERT INTO overdue (obligation_id, case_id, due_since)
      SELECT DISTINCT ON (o.data ->> 'obligationId') o.data ->> 'obligationId', o.key, (o.data ->> 'dueSince')::timestamptz
      FROM fact o WHERE o.type = 'readmit.revocation.overdue' AND NOT EXISTS (
        SELECT 1 FROM fact d WHERE d.key = o.key AND d.type = 'readmit.obligation.discharged' AND d.data ->> 'obligationId' = o.data ->> 'obligationId')`);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE overdue');
  }
}
