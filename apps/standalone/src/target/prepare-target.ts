import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { prepareExecutor, scramVerifier, type ServiceAccount } from '@readmit/connectors';
import { Client, escapeLiteral } from 'pg';
import { passwordIn } from './password-file.js';

/** The demo's service account at the target. */
export const payroll: ServiceAccount = { object: 'payroll', ownerRole: 'payroll', logins: ['payroll_a', 'payroll_b'] };

export interface PreparedTarget {
  /** The connector's login `readmit_exec`. Secret: it holds the password. */
  readonly executorUrl: string;
  /** Erin's login, for showing what she may do. Secret: it holds the password. */
  readonly erinUrl: string;
  readonly accounts: readonly ServiceAccount[];
}

/**
 * Prepares the demo's target on a PostgreSQL of its own: database `target`; Erin, who has `app_reader` and lost `app_admin`; payroll,
 * whose only secret nobody knows; the executor with least privilege. Idempotent: what a case has changed since is left alone.
 * Passwords are kept in files of `secretsDir` (mode 0600).
 */
export async function prepareTarget(ownerUrl: string, { secretsDir }: { readonly secretsDir: string }): Promise<PreparedTarget> {
  const erin = await passwordIn(path.join(secretsDir, 'erin.password'));
  const executor = await passwordIn(path.join(secretsDir, 'readmit_exec.password'));
  await withClient(ownerUrl, async (client) => {
    if ((await client.query("SELECT FROM pg_database WHERE datname = 'target'")).rowCount === 0)
      await client.query('CREATE DATABASE target');
  });
  const targetUrl = new URL(ownerUrl);
  targetUrl.pathname = '/target';
  const missingFirst = await withClient(targetUrl.href, (client) => prepareRoles(client, erin));
  await prepareExecutor(targetUrl.href, { executor: 'readmit_exec', password: executor, grantable: ['app_admin'], accounts: [payroll] });
  // Granted in the executor's name, so that the executor can take it away again.
  if (missingFirst) await withClient(targetUrl.href, (client) => client.query('GRANT payroll TO payroll_a GRANTED BY readmit_exec'));
  return { executorUrl: urlOf(targetUrl, 'readmit_exec', executor), erinUrl: urlOf(targetUrl, 'erin', erin), accounts: [payroll] };
}

/** Roles and what they may see; true: payroll has no login that owns anything yet. */
async function prepareRoles(client: Client, erinPassword: string): Promise<boolean> {
  const has = async (role: string): Promise<boolean> =>
    (await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role])).rowCount === 1;
  const dead = randomBytes(24).toString('base64url');
  await client.query('BEGIN');
  for (const role of ['app_admin', 'app_reader', 'payroll']) if (!(await has(role))) await client.query(`CREATE ROLE ${role} NOLOGIN`);
  await client.query(`${(await has('erin')) ? 'ALTER' : 'CREATE'} ROLE erin LOGIN PASSWORD ${escapeLiteral(scramVerifier(erinPassword))}`);
  await client.query('GRANT app_reader TO erin');
  if (!(await has('payroll_a')) && !(await has('payroll_b')))
    await client.query(`CREATE ROLE payroll_a LOGIN PASSWORD ${escapeLiteral(scramVerifier(dead))}`);
  await client.query(`
    CREATE TABLE IF NOT EXISTS public_report (line text PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS admin_ledger (line text PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS salary_run (month text PRIMARY KEY, paid boolean NOT NULL);
    INSERT INTO public_report VALUES ('open to readers') ON CONFLICT DO NOTHING;
    INSERT INTO admin_ledger VALUES ('open to administrators') ON CONFLICT DO NOTHING;
    INSERT INTO salary_run VALUES ('2026-11', false) ON CONFLICT DO NOTHING;
    ALTER TABLE salary_run OWNER TO payroll;
    GRANT SELECT ON public_report TO app_reader;
    GRANT SELECT ON admin_ledger TO app_admin`);
  const owners = await client.query(
    "SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member WHERE g.rolname = 'payroll' AND r.rolname IN ('payroll_a', 'payroll_b')",
  );
  const missing = owners.rowCount === 0 && (await has('payroll_a'));
  await client.query('COMMIT');
  return missing;
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(target: URL, login: string, password: string): string {
  const url = new URL(target);
  url.username = login;
  url.password = password;
  return url.href;
}
