import { messageOf } from '@readmit/platform';
import { auditOcsfTopic, services, topicsWrittenBy, type ServiceName } from '@readmit/contracts';
import pg from 'pg';
import { closeOtherDatabases, limitConnections } from './cluster-rights.js';
import { securedDatabaseUrl } from './database-url.js';
import { assertNoForeignSchema } from './foreign-schemas.js';
import { migrate, migrationTable } from './migrate.js';
import { insertOnlyTablesOf } from './migrations/registry.js';
import { busSchema, roleOf, schemaOf, tablesOfTopic } from './schemas.js';
import { passwordFileOf, passwordIn, readPassword } from './secret-file.js';
import { setupTurnTable, takeSetupTurn } from './setup-turn.js';
import { sqlStateOf } from './sql-errors.js';

export interface SetupOptions {
  /** Of a role that may create roles and owns (or may create) the database. Secret. */
  readonly ownerUrl: string;
  /** Holds one password file per role; mode 0700 when made. */
  readonly secretsDir: string;
  /** Database to use, created when absent; default: the one that the URL names. */
  readonly database?: string;
  /** CONNECTION LIMIT of each service's role; default: what two processes of a service need, unless the role has a limit already. */
  readonly connections?: number;
}

export interface SetupResult {
  /** Per service: the URL of its role. Secret. */
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** The owner's URL of the database that was set up. Secret. */
  readonly ownerUrl: string;
  /** In words, what was not there before; empty when everything was. */
  readonly changes: readonly string[];
  /** What the owner may not do and somebody else should, in words. */
  readonly notices: readonly string[];
}

/**
 * Makes the database ready for the six services: schemas, tables, one LOGIN role per service with the least that it needs.
 * Idempotent, and safe when two processes do it at once.
 */
export async function setup({ ownerUrl, secretsDir, database, connections }: SetupOptions): Promise<SetupResult> {
  const changes: string[] = [];
  const notices: string[] = [];
  const secured = securedOwnerUrl(ownerUrl);
  const url = new URL(secured);
  if (database !== undefined) {
    if (await createDatabase(secured, database)) changes.push(`created the database ${database}`);
    url.pathname = `/${encodeURIComponent(database)}`;
  }
  await assertNoForeignSchema(url.href, [busSchema, ...services.map(schemaOf)]);
  const turn = await takeSetupTurn(url.href);
  const client = new pg.Client({ connectionString: url.href, application_name: 'readmit setup' });
  try {
    changes.push(...turn.changes);
    await client.connect();
    const urls: Partial<Record<ServiceName, string>> = {};
    for (const service of services) urls[service] = await makeRole(client, { service, secretsDir, url, changes });
    for (const target of [busSchema, ...services] as const) {
      const schema = schemaOf(target);
      if (await createSchema(client, schema)) changes.push(`created the schema ${schema}`);
      for (const name of await migrate(url.href, target)) changes.push(`applied ${name} to ${schema}`);
    }
    await inTransaction(client, () => grant(client));
    await limitConnections(client, connections, { changes, notices });
    await closeOtherDatabases(client, { changes, notices });
    return { urls: urls as Record<ServiceName, string>, ownerUrl: url.href, changes, notices };
  } finally {
    await client.end().catch(() => undefined);
    await turn.end();
  }
}

export function securedOwnerUrl(ownerUrl: string): string {
  try {
    return securedDatabaseUrl(ownerUrl);
  } catch (error) {
    throw new Error(`the URL of the database's owner ${messageOf(error)}`, { cause: error });
  }
}

/** The URLs of the services' roles of a database that was set up, from the password files. Secret. */
export async function serviceUrls({ ownerUrl, secretsDir, database }: SetupOptions): Promise<Readonly<Record<ServiceName, string>>> {
  const urls: Partial<Record<ServiceName, string>> = {};
  for (const service of services) {
    const file = passwordFileOf(secretsDir, roleOf(service));
    const password = await readPassword(file);
    if (password === undefined)
      throw new Error(`there is no password of ${roleOf(service)} in ${file}: run readmit setup with the same secrets folder`);
    const url = new URL(ownerUrl);
    if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
    urls[service] = ownUrl(url, roleOf(service), password);
  }
  return urls as Record<ServiceName, string>;
}

/** Encoded: setting a URL's password leaves a `%41` of it as it is, and the driver would read an A. */
export function ownUrl(url: URL, role: string, password: string): string {
  const own = new URL(url.href);
  own.username = role;
  own.password = encodeURIComponent(password);
  return own.href;
}

/** Whether the query, which has the name as `$1`, has a row. */
export const found = async (client: pg.Client, sql: string, name: string): Promise<boolean> =>
  (await client.query(sql, [name])).rowCount !== 0;

async function createDatabase(ownerUrl: string, database: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'readmit setup' });
  await client.connect();
  try {
    if (await found(client, 'SELECT FROM pg_database WHERE datname = $1', database)) return false;
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    return true;
  } catch (error) {
    // Another setup was faster: duplicate_database, or the unique index said it first.
    if (['42P04', '23505'].includes(sqlStateOf(error) ?? '')) return false;
    throw error;
  } finally {
    await client.end();
  }
}

interface MakeRole {
  readonly service: ServiceName;
  readonly secretsDir: string;
  readonly url: URL;
  readonly changes: string[];
}

/** Roles belong to the cluster, the lock to one database: a set-up of another database may be at the same role. */
async function makeRole(client: pg.Client, { service, secretsDir, url, changes }: MakeRole): Promise<string> {
  const role = roleOf(service);
  const { password, made } = await passwordIn(passwordFileOf(secretsDir, role));
  const own = ownUrl(url, role, password);
  const known = await found(client, 'SELECT FROM pg_roles WHERE rolname = $1', role);
  if (!known) {
    const attributes = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION';
    try {
      await client.query(`CREATE ROLE ${pg.escapeIdentifier(role)} ${attributes} PASSWORD ${pg.escapeLiteral(password)}`);
      changes.push(`created the role ${role}`);
      return own;
    } catch (error) {
      if (!['42710', '23505'].includes(sqlStateOf(error) ?? '')) throw error;
    }
  }
  if (made || !(await signsIn(client, own))) {
    await client.query(`ALTER ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
    changes.push(`set the password of the role ${role}`);
  }
  return own;
}

export async function signsIn(owner: pg.Client, url: string): Promise<boolean> {
  // CONNECT may not be granted yet; the password is judged before that.
  const client = new pg.Client({ connectionString: url, application_name: `readmit setup ${owner.database ?? ''}` });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === '28P01' || state === '28000') return false;
    // All its connections are taken, so the password was right.
    if (state === '42501' || state === '53300') return true;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createSchema(client: pg.Client, schema: string): Promise<boolean> {
  if (await found(client, 'SELECT FROM pg_namespace WHERE nspname = $1', schema)) return false;
  await client.query(`CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
  return true;
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** Rewritten completely at each set-up, in one transaction: what an older release granted and this one does not is gone. */
async function grant(client: pg.Client): Promise<void> {
  const database = pg.escapeIdentifier(((await client.query('SELECT current_database() AS name')).rows[0] as { name: string }).name);
  await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
  await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
  for (const service of services) {
    const role = pg.escapeIdentifier(roleOf(service));
    const statements = [`GRANT CONNECT ON DATABASE ${database} TO ${role}`];
    for (const schema of [busSchema, ...services.map(schemaOf)]) {
      statements.push(
        `REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC, ${role}`,
        `REVOKE ALL ON ALL TABLES IN SCHEMA ${schema} FROM PUBLIC, ${role}`,
      );
      statements.push(
        `REVOKE ALL ON ALL SEQUENCES IN SCHEMA ${schema} FROM PUBLIC, ${role}`,
        `REVOKE ALL ON ALL ROUTINES IN SCHEMA ${schema} FROM PUBLIC, ${role}`,
      );
    }
    const own = schemaOf(service);
    statements.push(
      `GRANT USAGE ON SCHEMA ${own}, ${busSchema} TO ${role}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${own} TO ${role}`,
      `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${own} TO ${role}`,
      `GRANT EXECUTE ON ALL ROUTINES IN SCHEMA ${own} TO ${role}`,
      `REVOKE ALL ON ${own}.${migrationTable} FROM ${role}`,
      `REVOKE ALL ON SEQUENCE ${own}.${migrationTable}_id_seq FROM ${role}`,
      `GRANT SELECT ON ALL TABLES IN SCHEMA ${busSchema} TO ${role}`,
      `REVOKE ALL ON ${busSchema}.${migrationTable}, ${busSchema}.${setupTurnTable} FROM ${role}`,
    );
    for (const table of insertOnlyTablesOf(service))
      statements.push(`REVOKE UPDATE, DELETE ON ${own}.${pg.escapeIdentifier(table)} FROM ${role}`);
    for (const topic of topicsWrittenBy(service)) {
      const { log, head } = tablesOfTopic(topic);
      // Not when it was written: that is for the database's clock to say, and what has come too late goes by it.
      statements.push(
        `GRANT INSERT (partition, "offset", key, headers, value) ON ${busSchema}.${log} TO ${role}`,
        `GRANT UPDATE ON ${busSchema}.${head} TO ${role}`,
      );
    }
    // What is for SIEMs is no service's to read: nothing may come to rest on it.
    const { log, head } = tablesOfTopic(auditOcsfTopic);
    if (!topicsWrittenBy(service).includes(auditOcsfTopic))
      statements.push(`REVOKE ALL ON ${busSchema}.${log}, ${busSchema}.${head} FROM ${role}`);
    for (const partition of await partitionsIn(client, own))
      statements.push(`REVOKE ALL ON ${own}.${pg.escapeIdentifier(partition)} FROM ${role}`);
    await client.query(statements.join(';\n'));
  }
}

/** Partitions are reached by their parent alone, under the parent's rights. */
async function partitionsIn(client: pg.Client, schema: string): Promise<readonly string[]> {
  const { rows } = await client.query(
    'SELECT relname FROM pg_class WHERE relispartition AND relkind = $1 AND relnamespace = $2::regnamespace',
    ['r', schema],
  );
  return (rows as { relname: string }[]).map(({ relname }) => relname);
}
