/** `readmit setup` on an existing PostgreSQL, and one service that is started with what it created. */
import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { services } from '@readmit/contracts';
import { freePort } from '@readmit/servers';
import { testEnvironment, until } from '@readmit/testing';
import pg from 'pg';
import { workspace, newStateDir, program, runToEnd, shell, type Ran } from './installation.js';

let state: Awaited<ReturnType<typeof newStateDir>>;
let database: string;
beforeAll(async () => {
  state = await newStateDir();
  database = `readmit_test_${testEnvironment().run}_setup`;
});
const asOwner = async (sql: string): Promise<readonly unknown[]> => {
  const client = new pg.Client({ connectionString: testEnvironment().ownerUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
};
afterAll(async () => {
  await asOwner(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await state.remove();
});

const keysDir = (): string => path.join(state.dir, 'keys');
/** Roles belong to the cluster, so their passwords are those that every spec of the run uses. */
const setup = (...more: string[]): Promise<Ran> =>
  runToEnd(
    program('cli'),
    [
      'setup',
      '--secrets-dir',
      testEnvironment().secretsDir,
      '--database',
      database,
      '--keys-dir',
      keysDir(),
      '--environment',
      'acme',
      ...more,
    ],
    shell({ DATABASE_URL: testEnvironment().ownerUrl, READMIT_HOME: path.join(state.dir, 'home') }),
  );
interface Applied {
  readonly applied: boolean;
  readonly changes: readonly string[];
  readonly keys: { readonly rootKey: string; readonly keyListFile: string; readonly serviceKeyFile: Readonly<Record<string, string>> };
}

it('prints what it would do, and does nothing without --apply', async () => {
  const { code, stdout } = await setup();
  expect(code).toBe(0);
  for (const part of [
    `create the database ${database}`,
    'create the schema audit',
    ...services.map((service) => `${service}.jwk`),
    'trust.json',
    'contact.salt',
    'log.jwk',
  ])
    expect(stdout).toContain(part);
  await expect(stat(keysDir())).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await asOwner(`SELECT 1 FROM pg_database WHERE datname = '${database}'`)).toEqual([]);
});

it('creates schemas, roles and keys once, and one service starts with exactly that', async () => {
  const first = JSON.parse((await setup('--apply', '--json')).stdout) as Applied;
  expect(first.changes).toEqual(
    expect.arrayContaining([`created the database ${database}`, `created ${path.join(keysDir(), 'trust.json')}`]),
  );
  const again = JSON.parse((await setup('--apply', '--json')).stdout) as Applied;
  expect([again.changes, again.keys.rootKey]).toEqual([[], first.keys.rootKey]);

  const url = new URL(testEnvironment().ownerUrl);
  url.username = 'readmit_approval';
  url.password = (await readFile(path.join(testEnvironment().secretsDir, 'readmit_approval.password'), 'utf8')).trim();
  url.pathname = `/${database}`;
  const configuration = {
    READMIT_ENVIRONMENT: 'acme',
    DATABASE_URL: url.href,
    READMIT_SERVICE_KEY_FILE: first.keys.serviceKeyFile['approval'] ?? '',
    READMIT_KEY_LIST_FILE: first.keys.keyListFile,
    READMIT_ROOT_KEY: first.keys.rootKey,
    READMIT_ISSUER: 'http://127.0.0.1:9/issuer',
    READMIT_AUDIENCE: 'readmit-api',
    READMIT_PUBLIC_URL: 'http://127.0.0.1:8080',
    PORT: String(await freePort()),
  };
  const child = spawn(process.execPath, [program('approval')], {
    cwd: workspace,
    env: shell(configuration),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const ready = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`approval exited with ${child.exitCode}:\n${output}`);
      return fetch(`http://127.0.0.1:${configuration.PORT}/health/ready`).then(
        (response) => response.ok,
        () => false,
      );
    };
    await until(ready, { what: 'approval is ready' });
    const response = await fetch(`http://127.0.0.1:${configuration.PORT}/api/approval/cases/case_1`);
    expect([response.status, ((await response.json()) as { reason: string }).reason]).toEqual([401, 'token-missing']);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exited).toBe(0);
});

it('refuses keys of another environment, and leaves the database alone', async () => {
  const { code, stderr } = await setup('--environment', 'other', '--apply');
  expect([code, stderr]).toEqual([2, expect.stringContaining('for the environment other')]);
});
