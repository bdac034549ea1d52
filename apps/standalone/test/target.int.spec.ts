/** The demo's target: a second PostgreSQL that is prepared twice and shows Erin's loss and return, and payroll's dead secret. */
import { mkdtemp, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { postgresConnector } from '@readmit/connectors';
import { removePostgres } from '@readmit/servers';
import { Client } from 'pg';
import { startTarget, type RunningTarget } from '../src/target/start-target.js';

const signal = new AbortController().signal;
let target: RunningTarget;
let dataDir: string;

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
  target = await startTarget({ dataDir });
});
afterAll(async () => {
  await target.stop();
  await removePostgres(dataDir);
});

it('lets Erin read what readers may and not what administrators may', async () => {
  expect(await query(target.erinUrl, 'SELECT line FROM public_report')).toEqual([{ line: 'open to readers' }]);
  await expect(query(target.erinUrl, 'SELECT line FROM admin_ledger')).rejects.toMatchObject({ code: '42501' });
});

it('R2.2 is planned for by the connector as it was prepared, and again after a restart', async () => {
  const plans = async (): Promise<unknown> => {
    const connector = postgresConnector({ name: 'target-postgres', url: target.executorUrl, roles: target.accounts });
    const ceiling = { steps: ['role.grant' as const, 'secret.issue' as const], entitlements: ['app_admin'], maxDurationSeconds: 900 };
    const recipient = {
      signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: 'x' },
      sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: 'x' },
      fingerprint: '0'.repeat(64),
    };
    const options = { ceiling, durationSeconds: 900, overlapSeconds: 60, recipients: [recipient] };
    const role = await connector.plan(
      { id: 'a', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' },
      options,
      signal,
    );
    const secret = await connector.plan(
      { id: 'b', kind: 'secret.reissue', connector: 'target-postgres', object: 'payroll' },
      options,
      signal,
    );
    const states = secret.before.filter(({ name }) => /\/(current|payroll_.)$/.test(name));
    return [role.untouched, role.obligations.length, secret.obligations.map(({ object }) => object), states];
  };
  const expected = [
    ['erin keeps app_reader'],
    1,
    ['payroll_b', 'payroll_a'],
    [
      { name: 'payroll/current', value: 'payroll_a' },
      { name: 'payroll/login/payroll_a', value: 'login, owns' },
      { name: 'payroll/login/payroll_b', value: 'absent' },
    ],
  ];
  expect(await plans()).toEqual(expected);
  const { erinUrl } = target;
  await target.stop();
  target = await startTarget({ dataDir });
  expect(await plans()).toEqual(expected);
  expect(new URL(target.erinUrl).password).toBe(new URL(erinUrl).password);
});

it('keeps the passwords where the owner of the process alone reads them', async () => {
  for (const login of ['erin', 'readmit_exec'])
    expect((await stat(path.join(dataDir, 'secrets', `${login}.password`))).mode & 0o777).toBe(0o600);
});
