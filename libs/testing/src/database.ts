import { services, type ServiceName } from '@readmit/contracts';
import { openStore, roleOf, schemaOf, serviceUrls, setup, type Store } from '@readmit/store';
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** The database of a spec, set up for the six services. */
export interface TestDatabase {
  readonly ownerUrl: string;
  /** Per service: the URL of its least-privilege role. */
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** The service's store; closed by `drop`. */
  store(service: ServiceName, options?: { readonly poolSize?: number }): Promise<Store>;
  drop(): Promise<void>;
}

/** An arbitrary number for the advisory lock on the server's maintenance database. */
const templateLock = 7_311_207;

/**
 * A new database, cloned from the run's template, which the first spec creates with `setup`. Takes about 50 ms. Requires jest's global set-up
 * (tools/jest).
 */
export async function testDatabase(): Promise<TestDatabase> {
  const { ownerUrl, secretsDir, run } = testEnvironment();
  const template = `readmit_test_${run}_template`;
  const name = `readmit_test_${run}_${randomBytes(6).toString('hex')}`;
  await withClient(ownerUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    try {
      await makeTemplate(client, { ownerUrl, secretsDir, template });
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [templateLock]);
    }
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    // Privileges on the database itself are not cloned.
    await client.query(
      `REVOKE ALL ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO ${services.map(roleOf).join(', ')}`,
    );
  });
  const urls = await serviceUrls({ ownerUrl, secretsDir, database: name });
  const stores: Store[] = [];
  const own = new URL(ownerUrl);
  own.pathname = `/${name}`;
  return {
    ownerUrl: own.href,
    urls,
    store: async (service, options) => {
      const store = await openStore({
        url: urls[service],
        schema: schemaOf(service),
        applicationName: `spec ${service}`,
        poolSize: options?.poolSize ?? 4,
      });
      stores.push(store);
      return store;
    },
    drop: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await withClient(ownerUrl, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** Owner's URL of the run's server and the folder with the passwords of its roles; for specs of set-up itself. */
export function testEnvironment(): { readonly ownerUrl: string; readonly secretsDir: string; readonly run: string } {
  const { READMIT_TEST_OWNER_URL: ownerUrl, READMIT_TEST_SECRETS: secretsDir, READMIT_TEST_RUN: run } = process.env;
  if (!ownerUrl || !secretsDir || !run)
    throw new Error('no PostgreSQL for this run: start jest with its configuration (jest.config.mjs names the global set-up)');
  return { ownerUrl, secretsDir, run };
}

async function makeTemplate(
  client: pg.Client,
  { ownerUrl, secretsDir, template }: { readonly ownerUrl: string; readonly secretsDir: string; readonly template: string },
): Promise<void> {
  const { rows } = await client.query('SELECT datallowconn FROM pg_database WHERE datname = $1', [template]);
  const found = rows[0] as { datallowconn: boolean } | undefined;
  if (found && !found.datallowconn) return;
  // Roles and their limits belong to the server: all specs of the run share them.
  await setup({ ownerUrl, secretsDir, database: template, connections: 1_000 });
  // No connections: cloning is refused while one to the template is open.
  await client.query(`ALTER DATABASE ${template} WITH ALLOW_CONNECTIONS false`);
}

async function withClient<R>(url: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
  const client = new pg.Client({ connectionString: url, application_name: 'spec owner' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
