/** What a set-up would do now: found by looking at the server, on which nothing is changed. */
import { services } from '@readmit/contracts';
import pg from 'pg';
import { openToPublic, wantedConnections } from './cluster-rights.js';
import { assertNoForeignSchema } from './foreign-schemas.js';
import { pendingIn } from './migrate.js';
import { busSchema, roleOf, schemaOf } from './schemas.js';
import { passwordFileOf, readPassword } from './secret-file.js';
import { found, ownUrl, securedOwnerUrl, signsIn, type SetupOptions } from './setup.js';

/**
 * What `setup` with the same options would change, in words; empty when everything is there. Rights are not listed: every set-up rewrites them.
 * @throws {Error} as `setup` would: the server cannot be reached, it refuses the owner, or schemas are somebody else's.
 */
export async function planSetup({ ownerUrl, secretsDir, database, connections }: SetupOptions): Promise<readonly string[]> {
  const secured = securedOwnerUrl(ownerUrl);
  const url = new URL(secured);
  if (database !== undefined) url.pathname = `/${encodeURIComponent(database)}`;
  const name = decodeURIComponent(url.pathname.slice(1));
  const there =
    database === undefined || (await asOwner(secured, (client) => found(client, 'SELECT FROM pg_database WHERE datname = $1', database)));
  if (there) await assertNoForeignSchema(url.href, [busSchema, ...services.map(schemaOf)]);
  return asOwner(there ? url.href : secured, async (client) => [
    ...(there ? [] : [`create the database ${name}`]),
    ...(await rolePlan(client, { secretsDir, connections, url: there ? url : undefined })),
    ...(await schemaPlan(client, there)),
    ...(await openToPublic(client, name)).flatMap(({ name: open, mine }) =>
      mine ? [`take CONNECT and TEMPORARY on the database ${open} from PUBLIC`] : [],
    ),
  ]);
}

async function asOwner<T>(url: string, look: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'readmit setup',
    options: '-c default_transaction_read_only=on',
  });
  await client.connect();
  try {
    return await look(client);
  } finally {
    await client.end();
  }
}

interface RolePlan {
  readonly secretsDir: string;
  readonly connections: number | undefined;
  /** Of the database, when it is there: a password can be tried on it. */
  readonly url: URL | undefined;
}

async function rolePlan(client: pg.Client, { secretsDir, connections, url }: RolePlan): Promise<string[]> {
  const { rows: known } = await client.query<{ name: string; most: number }>(
    'SELECT rolname AS name, rolconnlimit AS most FROM pg_roles WHERE rolname = ANY ($1)',
    [services.map(roleOf)],
  );
  const limits = new Map(known.map(({ name, most }) => [name, most]));
  const steps: string[] = [];
  for (const service of services) {
    const role = roleOf(service);
    const file = passwordFileOf(secretsDir, role);
    const password = await readPassword(file);
    const most = limits.get(role);
    const from = password === undefined ? `a random password, kept in ${file} (mode 0600)` : `the password in ${file}`;
    if (most === undefined) steps.push(`create the role ${role} with ${from}`);
    else if (password === undefined || (url && !(await signsIn(client, ownUrl(url, role, password)))))
      steps.push(`give the role ${role} ${from}: the services need it from then on`);
    const wanted = wantedConnections(most, connections);
    if (wanted !== most) steps.push(`limit the role ${role} to ${wanted} connections`);
  }
  const { rows: owner } = await client.query<{ name: string; able: boolean }>(
    'SELECT rolname AS name, rolsuper OR rolcreaterole AS able FROM pg_roles WHERE rolname = current_user',
  );
  if (limits.size < services.length && !owner[0]?.able)
    // As the server would say it (insufficient_privilege).
    throw Object.assign(new Error(`${owner[0]?.name} may not create roles`), { code: '42501' });
  return steps;
}

async function schemaPlan(client: pg.Client, there: boolean): Promise<string[]> {
  const steps: string[] = [];
  for (const target of [busSchema, ...services] as const) {
    const schema = schemaOf(target);
    if (!there || !(await found(client, 'SELECT FROM pg_namespace WHERE nspname = $1', schema))) steps.push(`create the schema ${schema}`);
    const pending = await pendingIn(there ? client : undefined, target);
    if (pending.length > 0) steps.push(`apply ${pending.join(', ')} to ${schema}`);
  }
  return steps;
}
