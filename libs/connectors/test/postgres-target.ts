import type { Ask, Facet, Plan } from '@readmit/contracts';
import { startPostgresRelease, type PostgresRelease } from '@readmit/testing';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { Client } from 'pg';
import { postgresConnector, prepareExecutor, scramVerifier, type Connector, type ServiceAccount } from '../src/index.js';
import type { PlanParts } from '@readmit/domain';

export const payroll: ServiceAccount = { object: 'payroll', ownerRole: 'payroll', logins: ['payroll_a', 'payroll_b'] };
const erinPassword = 'erin-test-password-0001';
const executorPassword = 'executor-test-password-0001';

export interface Target {
  readonly connector: Connector;
  readonly log: string[];
  urlOf(login: string, password: string): string;
  readonly erinUrl: string;
  readonly executorUrl: string;
  /** Runs one statement as the administrator, who is not the executor. */
  admin<Row = Record<string, unknown>>(sql: string): Promise<Row[]>;
  stop(): Promise<void>;
}

/** A dedicated PostgreSQL, because roles belong to the cluster and its log is read. */
export async function startTestTarget(release: PostgresRelease = 18): Promise<Target> {
  const log: string[] = [];
  const server = await startPostgresRelease(release, { log: (line) => log.push(line) });
  const urlOf = (login: string, password: string): string => `postgres://${login}:${password}@127.0.0.1:${server.port}/postgres`;
  const admin = <Row>(sql: string): Promise<Row[]> => query<Row>(server.url, sql);
  await admin(`
    ALTER SYSTEM SET log_statement = 'all'; `);
  await admin('SELECT pg_reload_conf()');
  await admin(`
    CREATE ROLE app_admin; CREATE ROLE app_reader; CREATE ROLE auditors; CREATE ROLE payroll;
    CREATE ROLE erin LOGIN PASSWORD '${scramVerifier(erinPassword)}'; GRANT app_reader TO erin;
    CREATE TABLE admin_ledger (line text); GRANT SELECT ON admin_ledger TO app_admin;
    CREATE TABLE salary_run (month text); ALTER TABLE salary_run OWNER TO payroll;
    CREATE ROLE payroll_a LOGIN PASSWORD '${scramVerifier('the-old-secret')}'`);
  await prepareExecutor(server.url, {
    executor: 'readmit_exec',
    password: executorPassword,
    grantable: ['app_admin'],
    accounts: [payroll],
  });
  await admin('GRANT payroll TO payroll_a GRANTED BY readmit_exec');
  const executorUrl = urlOf('readmit_exec', executorPassword);
  return {
    connector: postgresConnector({ name: 'target-postgres', url: executorUrl, roles: [payroll], callTimeoutMs: 5000 }),
    log,
    urlOf,
    erinUrl: urlOf('erin', erinPassword),
    executorUrl,
    admin,
    stop: server.remove,
  };
}

/** The current oid of the role. */
export async function oidOf(target: Target, role: string): Promise<string> {
  const [found] = await target.admin<{ oid: string }>(`SELECT oid::text FROM pg_roles WHERE rolname = '${role}'`);
  if (!found) throw new Error(`there is no role ${role}`);
  return found.oid;
}

export const valueOf = (facets: readonly Facet[], name: string): string | undefined => facets.find((facet) => facet.name === name)?.value;

export async function open(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  // A session that was ended by the target fails on the next query.
  client.on('error', () => {});
  await client.connect();
  return client;
}

export async function query<Row = Record<string, unknown>>(url: string, sql: string): Promise<Row[]> {
  const client = await open(url);
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

/** Runs `work` over a proxy in front of the target; `join` decides what is passed on. */
export async function throughProxy<T>(
  target: Target,
  join: (sides: { readonly client: Socket; readonly server: Socket }) => void,
  work: (executorUrl: string) => Promise<T>,
): Promise<T> {
  const url = new URL(target.executorUrl);
  const port = Number(url.port);
  const proxy = createServer((client) => {
    const server = createConnection(port, '127.0.0.1');
    for (const socket of [client, server]) socket.on('error', () => {});
    client.on('close', () => server.end());
    join({ client, server });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  url.port = String((proxy.address() as AddressInfo).port);
  try {
    return await work(url.href);
  } finally {
    await new Promise((resolve) => proxy.close(resolve));
  }
}

/** The plan that execution would build from the connector's parts. */
export const planFrom = (ask: Ask, parts: PlanParts, recipients: Plan['recipients'] = []): Plan => ({
  caseId: 'case_1',
  class: ask.kind === 'role.restore' ? 'privileged-restoration' : 'nhi-secret-restoration',
  asks: [ask],
  steps: parts.steps.map((step, index) => ({ ...step, id: `step-${index}`, askId: ask.id })),
  removes: [...parts.removes],
  restores: [...parts.restores],
  untouched: [...parts.untouched],
  warnings: [...(parts.warnings ?? [])],
  obligations: parts.obligations.map((undo, index) => ({ ...undo, id: `obligation-${index}` })),
  recipients,
  durationSeconds: 900,
  before: { digest: '0'.repeat(64), facets: [...parts.before] },
  classificationId: 'event_1',
});

export const first = <T>(list: readonly T[]): T => {
  const [one] = list;
  if (one === undefined) throw new Error('the list is empty');
  return one;
};
