import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * People of a live source of the directory, as it had them last. `entry` is the source's permanent id, `place` where the entry is now (a DN).
 * `pass` numbers the runs: a complete one removes what it did not see. No keys: a source never has any.
 */
export class DirectorySource1 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE directory_source (
        source text PRIMARY KEY,
        pass bigint NOT NULL DEFAULT 0,
        mapping text,
        read_at timestamptz,
        polled_at timestamptz,
        mark text,
        problem text,
        removals integer NOT NULL DEFAULT 0,
        lease_by text,
        lease_until timestamptz NOT NULL DEFAULT '-infinity'
      ) WITH (fillfactor = 50)`);
    await runner.query(`
      CREATE TABLE directory_person (
        source text NOT NULL,
        entry text NOT NULL,
        place text NOT NULL,
        id text NOT NULL,
        folded text NOT NULL,
        human text,
        employment text NOT NULL,
        manager_place text,
        contacts jsonb NOT NULL,
        accounts jsonb NOT NULL,
        read_at timestamptz NOT NULL,
        pass bigint NOT NULL,
        PRIMARY KEY (source, entry)
      )`);
    // Digests, because a DN may be longer than an entry of a B-tree. Statements compare the DN as well.
    await runner.query('CREATE INDEX directory_person_by_place ON directory_person (source, md5(place))');
    await runner.query('CREATE INDEX directory_person_by_id ON directory_person (source, folded)');
    await runner.query(`
      CREATE TABLE directory_member (
        source text NOT NULL,
        label text NOT NULL,
        entry text NOT NULL,
        pass bigint NOT NULL,
        PRIMARY KEY (source, label, entry),
        FOREIGN KEY (source, entry) REFERENCES directory_person ON DELETE CASCADE
      )`);
    await runner.query('CREATE INDEX directory_member_by_entry ON directory_member (source, entry)');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE directory_member, directory_person, directory_source');
  }
}
