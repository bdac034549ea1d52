/**
 * The executor's privileges in docs/targets.md, granted as listed there by a superuser: with them, a role and a secret are restored and
 * undone; without any one of them, that is refused with what is missing.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ask, Plan } from '@readmit/contracts';
import { startPostgresRelease } from '@readmit/testing';
import { postgresConnector, scramVerifier, type Connector } from '../src/index.js';
import { consumer, unsealed } from './consumer.js';
import { first, payroll, planFrom, query } from './postgres-target.js';

const page = readFileSync('docs/targets.md', 'utf8');
/** The statements of each block of SQL, without its comments. */
const [roleRights = [], accountRights = []] = [...page.matchAll(/^```sql\n([^]*?)^```$/gm)].map(([, sql = '']) =>
  sql
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== ''),
);

const role: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'ledger', object: 'erin', entitlement: 'app_admin' };
const secret: Ask = { id: 'ask-1', kind: 'secret.reissue', connector: 'ledger', object: 'payroll' };
const signal = new AbortController().signal;
const job = consumer();

let server: Awaited<ReturnType<typeof startPostgresRelease>>;
let connector: Connector;
const admin = (sql: string) => query(server.url, sql);
const urlOf = (login: string, password: string): string => `postgres://${login}:${password}@127.0.0.1:${server.port}/postgres`;

beforeAll(async () => {
  server = await startPostgresRelease(18);
  await admin(`CREATE ROLE app_admin; CREATE ROLE payroll; CREATE ROLE erin LOGIN PASSWORD '${scramVerifier('erin-password')}';
    CREATE TABLE admin_ledger (line text); GRANT SELECT ON admin_ledger TO app_admin;
    CREATE TABLE salary_run (month text); ALTER TABLE salary_run OWNER TO payroll;
    CREATE ROLE payroll_a LOGIN PASSWORD '${scramVerifier('the-old-secret')}'; GRANT payroll TO payroll_a`);
  for (const statement of roleRights) await admin(statement);
  await admin(`ALTER ROLE readmit_exec PASSWORD '${scramVerifier('executor-password')}'`);
  connector = postgresConnector({
    name: 'ledger',
    url: urlOf('readmit_exec', 'executor-password'),
    roles: [payroll],
    callTimeoutMs: 5000,
  });
});
afterAll(() => server.remove());

const recipientsOf = (of: Pick<Ask, 'kind'>) => (of.kind === 'role.restore' ? [] : [job.key]);
async function agree(ask: Ask): Promise<Plan> {
  const ceiling = { steps: ['role.grant' as const, 'secret.issue' as const], entitlements: ['app_admin'], maxDurationSeconds: 3600 };
  return planFrom(
    ask,
    await connector.plan(ask, { ceiling, durationSeconds: 900, overlapSeconds: 0, recipients: recipientsOf(ask) }, signal),
  );
}
const execute = (plan: Plan) =>
  connector.execute(
    first(plan.steps),
    { caseId: 'case_1', recipients: recipientsOf(first(plan.asks)), expiresAt: new Date(), plan },
    signal,
  );
const undo = (plan: Plan, object: string) => {
  const obligation = plan.obligations.find((one) => one.object === object);
  if (!obligation) throw new Error(`the plan has no obligation at ${object}`);
  return connector.undo(obligation, { caseId: 'case_1', plan }, signal);
};

describe('the privileges for roles in docs/targets.md', () => {
  it.each([
    ['REVOKE pg_signal_backend FROM readmit_exec', 'GRANT pg_signal_backend', 'grant it pg_signal_backend and pg_read_all_stats'],
    ['REVOKE pg_read_all_stats FROM readmit_exec', 'GRANT pg_signal_backend', 'grant it pg_signal_backend and pg_read_all_stats'],
    ['REVOKE app_admin FROM readmit_exec', 'GRANT app_admin', 'the executor may not grant app_admin: give it the role WITH ADMIN OPTION'],
  ])('are all needed: after %s nothing is planned, and the documented statement fixes it', async (taken, statement, says) => {
    await admin(taken);
    await expect(agree(role)).rejects.toThrow(says);
    await admin(roleRights.find((one) => one.startsWith(statement)) ?? '');
    await expect(agree(role)).resolves.toBeDefined();
  });

  it('are enough: a role is granted and revoked', async () => {
    const plan = await agree(role);
    const read = () => query(urlOf('erin', 'erin-password'), 'SELECT * FROM admin_ledger');
    await expect(read()).rejects.toMatchObject({ code: '42501' });
    await execute(plan);
    await expect(read()).resolves.toEqual([]);
    expect((await undo(plan, 'erin')).readBack).toEqual(plan.before.facets);
    await expect(read()).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the privileges for service accounts in docs/targets.md', () => {
  beforeAll(async () => {
    for (const statement of accountRights) await admin(statement);
  });

  it.each([
    ['REVOKE payroll FROM readmit_exec', 'GRANT payroll TO', 'the executor may not grant payroll: give it the role WITH ADMIN OPTION'],
    [
      'REVOKE payroll_a FROM readmit_exec',
      'GRANT payroll_a TO',
      'the executor may not alter payroll_a: give it the role WITH ADMIN OPTION',
    ],
    ['ALTER ROLE readmit_exec NOCREATEROLE', 'ALTER ROLE', 'permission denied to create role'],
    ['REVOKE SET ON PARAMETER log_statement FROM readmit_exec', 'GRANT SET', 'permission denied to set parameter "log_statement"'],
    [
      'REVOKE SET ON PARAMETER log_min_duration_statement FROM readmit_exec',
      'GRANT SET',
      'permission denied to set parameter "log_min_duration_statement"',
    ],
    [
      'REVOKE SET ON PARAMETER log_min_error_statement FROM readmit_exec',
      'GRANT SET',
      'permission denied to set parameter "log_min_error_statement"',
    ],
  ])('are all needed: after %s no secret is set, and the documented statement fixes it', async (taken, statement, says) => {
    await admin(taken);
    await expect(agree(secret).then(execute)).rejects.toThrow(says);
    await admin(accountRights.find((one) => one.startsWith(statement)) ?? '');
    await expect(agree(secret)).resolves.toBeDefined();
  });

  it('are enough: a new secret is set on the other login, and the old one is destroyed', async () => {
    const pay = (login: string, word: string) => query(urlOf(login, word), 'SELECT * FROM salary_run');
    await expect(pay('payroll_a', 'the-old-secret')).resolves.toEqual([]);
    const plan = await agree(secret);
    const { username, password } = await unsealed(first((await execute(plan)).sealed).jwe, job);
    await expect(pay(username, password)).resolves.toEqual([]);
    await undo(plan, 'payroll_a');
    await expect(pay('payroll_a', 'the-old-secret')).rejects.toMatchObject({ code: '28P01' });
    await expect(pay(username, password)).resolves.toEqual([]);
  });
});
