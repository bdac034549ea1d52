/**
 * Set-up against a real server: once, twice, twice at once, and what a service's role may and may not do afterwards.
 * Rights on topics are proved with the embedded bus.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { services, type ServiceName } from '@readmit/contracts';
import { testEnvironment, testDatabase, type TestDatabase } from '@readmit/testing';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrationsOf, openStore, roleOf, schemaOf, planSetup, serviceUrls, setup } from '../src/index.js';
import { insertOnlyTablesOf } from '../src/migrations/registry.js';

const { ownerUrl, secretsDir, run } = testEnvironment();
const made: string[] = [];
const newDatabase = (): string => {
  const name = `readmit_test_${run}_setup_${randomBytes(4).toString('hex')}`;
  made.push(name);
  return name;
};

async function asOwner<Row>(database: string, sql: string): Promise<Row[]> {
  const url = new URL(ownerUrl);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Everything that set-up makes: relations, columns, rights, migrations that ran, roles with their password hashes. */
const snapshot = (database: string): Promise<unknown[]> =>
  asOwner(
    database,
    `SELECT 'relation' AS what, c.oid::text, n.nspname, c.relname, c.relacl::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^pg_|information_schema'
     UNION ALL SELECT 'schema', oid::text, nspname, nspacl::text, '' FROM pg_namespace WHERE nspname !~ '^pg_'
     UNION ALL SELECT 'database', oid::text, datname, datacl::text, '' FROM pg_database WHERE datname = current_database()
     UNION ALL SELECT 'role', oid::text, rolname, rolpassword, rolcanlogin::text || rolsuper || rolcreaterole || rolcreatedb || rolbypassrls FROM pg_authid WHERE rolname LIKE 'readmit%'
     ${['bus', ...services.map(schemaOf)].map((schema) => `UNION ALL SELECT 'migration', id::text, '${schema}', name, '' FROM ${schema}.migration`).join(' ')}
     ORDER BY 1, 3, 4, 2`,
  );

describe('setup', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(async () => {
    await database.drop();
    for (const name of made) await asOwner('postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });

  it.each([
    ['is of somebody else', 'CREATE SCHEMA audit AUTHORIZATION pg_monitor', 'audit (of pg_monitor)'],
    ['holds what Readmit did not make', 'CREATE SCHEMA approval; CREATE TABLE approval.invoice (id int)', 'approval (of '],
    ['holds it under the name of the bus', 'CREATE SCHEMA bus; CREATE TABLE bus.stop (id int)', 'bus (of '],
  ])('refuses a database with a schema of our name that %s, and changes nothing', async (_, statements, named) => {
    const name = newDatabase();
    await asOwner('postgres', `CREATE DATABASE ${name}`);
    await asOwner(name, statements);
    const schemas = () =>
      asOwner<{ nspname: string; nspacl: string | null }>(name, 'SELECT nspname, nspacl::text FROM pg_namespace ORDER BY 1');
    const before = await schemas();
    await expect(setup({ ownerUrl, secretsDir, database: name })).rejects.toThrow(
      `the database ${name} has schemas that Readmit did not make: ${named}`,
    );
    expect(await schemas()).toEqual(before);
  });

  it('resumes where an earlier run was interrupted', async () => {
    const name = newDatabase();
    await asOwner('postgres', `CREATE DATABASE ${name}`);
    await asOwner(name, 'CREATE SCHEMA bus; CREATE TABLE bus.setup_turn (one boolean PRIMARY KEY DEFAULT true); CREATE SCHEMA audit');
    expect((await setup({ ownerUrl, secretsDir, database: name })).changes).toContain('created the schema approval');
  });

  it('run twice changes nothing, and says so', async () => {
    const name = newDatabase();
    const first = await setup({ ownerUrl, secretsDir, database: name });
    expect(first.changes).toContain(`created the database ${name}`);
    expect(first.changes).toContain('applied BusTopics11700000000001 to bus');
    const before = await snapshot(name);
    const second = await setup({ ownerUrl, secretsDir, database: name });
    expect(second.changes).toEqual([]);
    expect(second.urls).toEqual(first.urls);
    expect(await snapshot(name)).toEqual(before);
  });

  it('run four times at once on a new database does not race, and each migration ran once', async () => {
    const name = newDatabase();
    const results = await Promise.all([1, 2, 3, 4].map(() => setup({ ownerUrl, secretsDir, database: name })));
    const applied = results.flatMap(({ changes }) => changes.filter((change) => change.startsWith('applied')));
    const expected = (['bus', ...services] as const).flatMap((target) => migrationsOf(target));
    expect(applied).toHaveLength(expected.length);
    expect(new Set(applied).size).toBe(applied.length);
    for (const service of services)
      expect(await asOwner(name, `SELECT name FROM ${schemaOf(service)}.migration`)).toHaveLength(migrationsOf(service).length);
  });

  it('takes back what an older release or a hand has granted', async () => {
    const name = newDatabase();
    const { urls } = await setup({ ownerUrl, secretsDir, database: name });
    await asOwner(name, 'GRANT USAGE ON SCHEMA approval TO readmit_intake; GRANT SELECT ON approval.member TO readmit_intake, PUBLIC');
    const intake = await openStore({ url: urls.intake, schema: 'intake', applicationName: 'spec' });
    expect(await intake.query('SELECT * FROM approval.member')).toEqual([]);
    await setup({ ownerUrl, secretsDir, database: name });
    await expect(intake.query('SELECT * FROM approval.member')).rejects.toMatchObject({
      code: '42501',
      message: 'permission denied for schema approval',
    });
    await intake.close();
  });

  it('keeps each password in a file of mode 0600, 192 bits, and gives the same URLs to who has the files', async () => {
    const files = (await readdir(secretsDir)).filter((file) => file.endsWith('.password'));
    expect(files.sort()).toEqual(services.map((service) => `${roleOf(service)}.password`).sort());
    const passwords = await Promise.all(files.map(async (file) => (await readFile(path.join(secretsDir, file), 'utf8')).trim()));
    for (const file of files) expect((await stat(path.join(secretsDir, file))).mode & 0o777).toBe(0o600);
    for (const password of passwords) expect(Buffer.from(password, 'base64url')).toHaveLength(24);
    expect(new Set(passwords).size).toBe(services.length);
    expect(await serviceUrls({ ownerUrl: database.ownerUrl, secretsDir })).toEqual(database.urls);
  });

  it.each(services)('lets %s use its own tables, and refuses those of every other service (42501)', async (service) => {
    const store = await database.store(service);
    expect(
      await store.query(`INSERT INTO member (group_name, member, topics, lease_until) VALUES ('spec', 'a', '{}', now()) RETURNING member`),
    ).toEqual([{ member: 'a' }]);
    await store.query(`UPDATE member SET member = 'b'`);
    expect(await store.query(`DELETE FROM member RETURNING member`)).toEqual([{ member: 'b' }]);
    for (const other of services.filter((one) => one !== service)) {
      const denied = { code: '42501', message: `permission denied for schema ${schemaOf(other)}` };
      await expect(store.query(`SELECT * FROM ${schemaOf(other)}.member`)).rejects.toMatchObject(denied);
      await expect(store.query(`INSERT INTO ${schemaOf(other)}.member VALUES ('x', 'x', '{}', now())`)).rejects.toMatchObject(denied);
    }
  });

  it.each(services)('does not let %s change the schema, the account of migrations, or make anything', async (service) => {
    const store = await database.store(service);
    const own = schemaOf(service);
    for (const [sql, message] of [
      [`CREATE TABLE ${own}.mine ()`, `permission denied for schema ${own}`],
      [`CREATE TABLE public.mine ()`, 'permission denied for schema public'],
      [
        `CREATE TEMP TABLE mine ()`,
        `permission denied to create temporary tables in database "${new URL(database.ownerUrl).pathname.slice(1)}"`,
      ],
      [`DELETE FROM ${own}.migration`, 'permission denied for table migration'],
      ['TRUNCATE position', 'permission denied for table position'],
      ['ALTER TABLE position ADD COLUMN x int', 'must be owner of table position'],
      ['CREATE ROLE mallory', 'permission denied to create role'],
    ] as const) {
      await expect(store.query(sql)).rejects.toMatchObject({ code: '42501', message });
    }
  });

  it.each(services.filter((service) => insertOnlyTablesOf(service).length > 0))(
    'lets %s only read and append to its insert-only tables',
    async (service: ServiceName) => {
      const store = await database.store(service);
      for (const table of insertOnlyTablesOf(service)) {
        await store.query(`SELECT FROM "${table}"`);
        const rights = await store.query(
          `SELECT has_table_privilege($1, 'INSERT') AS append, has_any_column_privilege($1, 'UPDATE') AS rewrite FROM current_database()`,
          [table],
        );
        expect(rights).toEqual([{ append: true, rewrite: false }]);
        for (const sql of [`DELETE FROM "${table}"`, `TRUNCATE "${table}"`]) {
          await expect(store.query(sql)).rejects.toMatchObject({ code: '42501', message: `permission denied for table ${table}` });
        }
      }
    },
  );

  it('leaves nothing to PUBLIC', async () => {
    const name = new URL(database.ownerUrl).pathname.slice(1);
    const rights = await asOwner(
      name,
      `SELECT datname FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = current_database() AND grantee = 0
       UNION ALL SELECT nspname FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) WHERE nspname !~ '^pg_|information_schema' AND grantee = 0
       UNION ALL SELECT relname FROM pg_class, aclexplode(relacl) WHERE relnamespace::regnamespace::text !~ '^pg_|information_schema' AND grantee = 0
       UNION ALL SELECT proname FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE pronamespace::regnamespace::text !~ '^pg_|information_schema' AND grantee = 0`,
    );
    expect(rights).toEqual([]);
  });

  it('says what it would do by looking at the server: all of it for a database that is not there, nothing for one that is', async () => {
    const absent = newDatabase();
    const plan = await planSetup({ ownerUrl, secretsDir, database: absent });
    expect(plan).toContain(`create the database ${absent}`);
    for (const service of services) {
      expect(plan).toContain(`create the schema ${schemaOf(service)}`);
      const names = migrationsOf(service).map(({ migration }) => migration.name);
      expect(plan).toContain(`apply ${names.join(', ')} to ${schemaOf(service)}`);
    }
    expect(await asOwner('postgres', `SELECT FROM pg_database WHERE datname = '${absent}'`)).toEqual([]);

    await setup({ ownerUrl, secretsDir, database: absent });
    expect(await planSetup({ ownerUrl, secretsDir, database: absent })).toEqual([]);
    await asOwner(absent, `DELETE FROM audit.migration WHERE name LIKE 'CaseWhose1%'`);
    expect(await planSetup({ ownerUrl, secretsDir, database: absent, connections: 999 })).toEqual([
      ...services.map((service) => `limit the role ${roleOf(service)} to 999 connections`),
      'apply CaseWhose1 to audit',
    ]);
  });

  it('says which password it would give a role: one of its own, or that of the file when the role has another', async () => {
    const own = new URL(database.ownerUrl).pathname.slice(1);
    const empty = await mkdtemp(path.join(tmpdir(), 'readmit-no-passwords-'));
    expect(await planSetup({ ownerUrl, secretsDir: empty, database: own })).toEqual(
      services.map(
        (service) =>
          `give the role ${roleOf(service)} a random password, kept in ${path.join(empty, `${roleOf(service)}.password`)} (mode 0600): the services need it from then on`,
      ),
    );
    const file = path.join(empty, 'readmit_audit.password');
    await writeFile(file, 'a-password-of-another-server', { mode: 0o600 });
    expect(await planSetup({ ownerUrl, secretsDir: empty, database: own })).toContain(
      `give the role readmit_audit the password in ${file}: the services need it from then on`,
    );
    await rm(empty, { recursive: true });
  });

  it('refuses the plan as it would refuse the set-up: a schema of somebody else, an owner with the wrong password', async () => {
    const foreign = newDatabase();
    await asOwner('postgres', `CREATE DATABASE ${foreign}`);
    await asOwner(foreign, 'CREATE SCHEMA audit AUTHORIZATION pg_monitor');
    await expect(planSetup({ ownerUrl, secretsDir, database: foreign })).rejects.toThrow('audit (of pg_monitor)');
    const stranger = new URL(ownerUrl);
    stranger.password = 'wrong';
    await expect(planSetup({ ownerUrl: stranger.href, secretsDir, database: foreign })).rejects.toMatchObject({ code: '28P01' });
  });
});
