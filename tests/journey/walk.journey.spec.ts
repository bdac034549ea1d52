/**
 * Installs Readmit with nothing but the code blocks in README and docs: its own PostgreSQL and nginx, an issuer, a directory, six processes, and a
 * case from its request to the proven end. This file contains only what cannot be in the documentation: substitutions for names and places, what
 * an engineer types into a file, and where they wait. Not tested here: TLS to the database and the issuer, which are on this machine.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { scramVerifier } from '@readmit/connectors';
import { freePort, whyTaken } from '@readmit/servers';
import { blockOf, startPostgresRelease, until } from '@readmit/testing';
import pg from 'pg';
import { parse, stringify } from 'yaml';
import { ensureDebian, frontPrograms } from '../../tools/debian.mjs';
import { workspace, newStateDir, processesOf, shell } from './installation.js';
import { Engineer, linesOf, runReadmeCase } from './walk.js';

const missing = ensureDebian(frontPrograms);
if (missing !== undefined) it.skip(`the six services behind nginx: ${missing}`, () => {});

/** The ids of the people in README's case, as in the example of `readmit directory init`; the operator is added by hand. */
const people = { erin: 'u-1001', boris: 'u-1002', chidi: 'u-1003', dana: 'u-1004' } as const;
const operator = 'u-1005';
const asRoot = process.getuid?.() === 0;

let state: Awaited<ReturnType<typeof newStateDir>>;
let database: Awaited<ReturnType<typeof startPostgresRelease>>;
let engineer: Engineer;
const at = (...parts: string[]): string => path.join(state.dir, ...parts);
/** The working directory: a checkout with a build. */
const inCheckout = (...parts: string[]): string => at('checkout', ...parts);
const homeOf = (id: string) => ({ READMIT_HOME: inCheckout('.readmit/homes', id) });
const asOwner = async (sql: string, name = 'postgres'): Promise<readonly Record<string, unknown>[]> => {
  const url = new URL(database.url);
  url.pathname = `/${name}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return ((await client.query(sql)) as { rows: Record<string, unknown>[] }).rows;
  } finally {
    await client.end();
  }
};

beforeAll(async () => {
  if (missing !== undefined) return;
  [state, database] = await Promise.all([newStateDir(), startPostgresRelease(18)]);
  await mkdir(inCheckout('node_modules/.bin'), { recursive: true });
  await symlink(process.execPath, inCheckout('node_modules/.bin/node'));
  await symlink(path.join(workspace, 'dist'), inCheckout('dist'));
  await cp(path.join(workspace, 'deploy'), inCheckout('deploy'), { recursive: true });
  await mkdir(at('nginx/conf.d'), { recursive: true });
  await mkdir(at('nginx/tls'));
  const ports = await portsInARow(6);
  const [tls, directory, demo] = [await freePort(), await freePort(), await freePort()];
  const { password } = new URL(database.url);
  const env = {
    // As exported in the first block, and with Debian's folder for nginx.
    PATH: `${inCheckout('node_modules/.bin')}:${process.env['PATH'] ?? ''}:/usr/sbin`,
    NODE_EXTRA_CA_CERTS: at('nginx/tls/readmit.pem'),
    DEMO_PORT: String(demo),
    NO_COLOR: '1',
  };
  engineer = new Engineer(inCheckout(), shell(env), [
    // `npm test` has already built, and a build now would remove the programs that other specs run.
    ['npm run build', ':'],
    ['npx readmit', 'readmit'],
    ['sudo ', ''],
    ['-g www-data ', asRoot ? '-g www-data ' : ''],
    ['/etc/readmit', at('etc-readmit')],
    ['/srv/readmit', at('srv')],
    ['/etc/nginx', at('nginx')],
    ['/var/log/nginx', at('nginx')],
    ['nginx -', `nginx -c ${at('nginx/nginx.conf')} -`],
    ['PGPASSWORD=...', `PGPASSWORD=${password}`],
    ['owner@127.0.0.1:5432', `postgres@127.0.0.1:${database.port}`],
    ['127.0.0.1:5432', `127.0.0.1:${database.port}`],
    ['change-me@db.example.com:5432', `executor@127.0.0.1:${database.port}`],
    ['https://sso.example.com/realms/acme/protocol/openid-connect/token', `http://127.0.0.1:${demo}/token`],
    ['https://sso.example.com/realms/acme', `http://127.0.0.1:${demo}`],
    ['https://mail.example.com/readmit', `http://127.0.0.1:${demo}/demo/mailbox`],
    ['https://readmit.example.com', `https://localhost:${tls}`],
    ['server_name readmit.example.com', 'server_name localhost'],
    ['listen 443', `listen 127.0.0.1:${tls}`],
    ['8090', String(directory)],
    ...ports.map((port, index) => [String(8081 + index), String(port)] as const),
    // The demo's case, with the people and target of this installation.
    ['http://127.0.0.1:7400', `https://localhost:${tls}`],
    ['http://127.0.0.1:<port of the demo identity provider>', `http://127.0.0.1:${demo}`],
    ['target-postgres/erin/app_admin', 'ledger/ada/app_admin'],
    ...Object.entries(people),
    // Nobody is at the terminal to confirm.
    [' --key .readmit/demo/keys/chidi.jwk', ' --yes'],
    [' --key .readmit/demo/keys/dana.jwk', ' --yes'],
    ['--from 4200', '--from 10'],
    ['secrets/keys', at('etc-readmit/keys')],
    ['/media/usb', at('usb')],
    // The device flow needs a browser (apps/demo/test/device-flow.int.spec.ts).
    ['readmit login\n', `readmit login --as ${operator}\n`],
  ]);
  await certificate();
});
afterAll(async () => {
  if (missing !== undefined) return;
  await engineer.stop();
  await database.remove();
  const left = await processesOf(state.dir);
  await state.remove();
  expect(left).toEqual([]);
});

/** Creates the TLS certificate, which is self-signed here. */
async function certificate(): Promise<void> {
  const files = ['-keyout', at('nginx/tls/readmit.key'), '-out', at('nginx/tls/readmit.pem')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...name, ...files]);
}

/** Starts nginx like Debian's configuration, with folders for this test. */
async function startNginx(): Promise<void> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${at('nginx', one)};`);
  const http = `http { ${temporary.join(' ')} include ${at('nginx/conf.d/*.conf')}; }`;
  const main = `${asRoot ? 'user www-data; ' : ''}daemon off; pid ${at('nginx/nginx.pid')}; error_log stderr warn;`;
  await writeFile(at('nginx/nginx.conf'), `${main} events {} ${http}\n`);
  engineer.start('nginx -g ""');
  await until(() => readFile(at('nginx/nginx.pid'), 'utf8').catch(() => ''), { what: 'nginx runs' });
}

async function portsInARow(count: number): Promise<readonly number[]> {
  for (;;) {
    const first = await freePort();
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const taken = await Promise.all(ports.map((port) => whyTaken(port)));
    if (taken.every((why) => why === undefined)) return ports;
  }
}

/** Edits directory.yaml: adds the keys that approvers sent, and an operator. */
async function editDirectory(keys: Readonly<Record<string, string>>): Promise<void> {
  const file = inCheckout('directory.yaml');
  const directory = parse(await readFile(file, 'utf8')) as { people: { id: string; keys: unknown[] }[] };
  for (const person of directory.people) if (keys[person.id] !== undefined) person.keys.push(JSON.parse(keys[person.id] ?? ''));
  const like = { human: 'h-5', name: 'Gita', authority: 0, employment: 'employee', privileged: false, contacts: [], accounts: [] };
  directory.people.push({ id: operator, teams: ['platform-operators'], keys: [], ...like } as never);
  await writeFile(file, stringify(directory));
}
/** Members of the role of the case, at the target. */
const members = () =>
  asOwner(
    `SELECT member::regrole::text AS who FROM pg_auth_members WHERE roleid = 'app_admin'::regrole AND member = 'ada'::regrole`,
    'ledger',
  );

const problem = 'application/problem+json';
/** A response of the reverse proxy. */
async function responseOf(target: string, more = ''): Promise<{ readonly status: number; readonly reason: string; readonly type: string }> {
  const { stdout } = await engineer.run(
    `curl --silent --show-error --cacert "$NODE_EXTRA_CA_CERTS" ${more} --write-out '\n%{http_code} %{content_type}' https://readmit.example.com${target}`,
  );
  const [body = '', last = ''] = stdout.split(/\n(?=[^\n]*$)/);
  const [status, type = ''] = last.split(/[ ;]/);
  return { status: Number(status), reason: (JSON.parse(body) as { reason: string }).reason, type };
}

/** A test that depends on those before it. */
let sound = true;
const step = (title: string, work: () => Promise<void>): void =>
  it(
    title,
    async () => {
      if (!sound) throw new Error('an earlier step failed');
      sound = false;
      await work();
      sound = true;
    },
    120_000,
  );

if (missing === undefined)
  describe('a platform engineer with only README and docs', () => {
    step('checks what would be created, creates database, roles and keys, and finds that they exist', async () => {
      const block = blockOf('README.md', 'Run the services yourself', 1);
      const dryRun = block.replace(' --apply', '');
      await asOwner(`CREATE ROLE helpless LOGIN PASSWORD '${scramVerifier(new URL(database.url).password)}'`);
      await expect(engineer.run(dryRun.replace('owner@127.0.0.1', 'helpless@127.0.0.1'))).rejects.toThrow('helpless may not create roles');
      const before = (await engineer.run(dryRun)).stdout;
      for (const will of ['make a root key in', 'create the database readmit', 'create the role readmit_audit', 'create the schema audit'])
        expect(before).toContain(will);
      const { stdout } = await engineer.run(block);
      expect((await engineer.run(dryRun)).stdout).toBe(
        'This would:\n  - rewrite the grants of each role\nNothing was changed. Repeat with --apply.\n',
      );
      const [, rootKey] = /READMIT_ROOT_KEY\s+(\S+)/.exec(stdout) ?? [];
      engineer.learn('READMIT_ROOT_KEY=...', `READMIT_ROOT_KEY=${rootKey ?? ''}`);
      expect(rootKey).toMatch(/^[\w-]{43}$/);
    });

    step('writes a directory and signs it', async () => {
      const [init = '', approver = '', key = '', ...rest] = linesOf(blockOf('docs/directory.md', 'Making one'));
      await engineer.run(init);
      const keys: Record<string, string> = {};
      for (const who of ['chidi', 'dana'] as const)
        keys[people[who]] = (await engineer.run(approver.replace('dana', who), homeOf(people[who]))).stdout;
      await editDirectory(keys);
      const directoryKey = (await engineer.run(key)).stdout.trim();
      engineer.learn('READMIT_DIRECTORY_KEY=...', `READMIT_DIRECTORY_KEY=${directoryKey}`);
      const { stdout } = await engineer.run(rest.join('\n'), { READMIT_DIRECTORY_KEY: directoryKey });
      expect(stdout).toMatch(/signed by that key\.\n.*\n.*\npeople +5\n/);
      await engineer.run(blockOf('docs/directory.md', 'Served'));
    });

    step('grants the executor its rights at a target, and configures the target', async () => {
      await asOwner('CREATE DATABASE ledger');
      await asOwner('CREATE ROLE app_admin; CREATE ROLE payroll; CREATE ROLE payroll_a LOGIN; CREATE ROLE ada LOGIN', 'ledger');
      await asOwner(blockOf('docs/targets.md', 'Rights of the executor at PostgreSQL', 1), 'ledger');
      await asOwner(blockOf('docs/targets.md', 'Rights of the executor at PostgreSQL', 2), 'ledger');
      // Like \password.
      await asOwner(`ALTER ROLE readmit_exec PASSWORD '${scramVerifier('executor')}'`);
      await writeFile(inCheckout('targets.json'), engineer.filled(blockOf('docs/targets.md', 'Targets')));
      expect(await members()).toEqual([]);
    });

    step("starts only the demo's issuer, and fills in the settings", async () => {
      const output = engineer.start(blockOf('docs/sign-in.md', 'An issuer to try it with'));
      await until(() => output.stdout.includes('client secrets') || output.stderr, { what: 'the issuer runs' });
      expect(output.stderr).toBe('');
      await cp(inCheckout('demo-issuer/clients/readmit-intake.secret'), inCheckout('readmit-intake.secret'));
      for (const name of ['example.env', 'nginx.conf']) {
        const file = inCheckout('deploy/processes', name);
        await writeFile(file, engineer.filled(await readFile(file, 'utf8')));
      }
      await engineer.run(blockOf('README.md', 'Run the services yourself', 2));
    });

    step('configures nginx as the reverse proxy, which responds for services that are down', async () => {
      await startNginx();
      await engineer.run(blockOf('README.md', 'Run the services yourself', 3));
      // nginx uses a new configuration only a moment later.
      const curl = 'curl --silent --show-error --fail --retry 60 --retry-delay 1 --retry-connrefused';
      const directory = await engineer.run(`${curl} http://127.0.0.1:8090/directory.jws`);
      expect(directory.stdout).toBe(await readFile(inCheckout('directory.jws'), 'utf8'));
      expect(await responseOf('/api/approval/cases/case_1')).toMatchObject({ status: 503, reason: 'answer-lost' });
    });

    step('starts six processes, and all become ready', async () => {
      const output = engineer.start(blockOf('README.md', 'Run the services yourself', 4));
      const { stdout } = await engineer.run(blockOf('README.md', 'Run the services yourself', 5)).catch((error: unknown) => {
        throw new Error(`not ready; the output of the services:\n${output.stderr}${output.stdout.slice(-4000)}`, { cause: error });
      });
      expect(stdout.match(/"ready"/g)).toHaveLength(6);
      for (const area of ['intake', 'classification', 'approval', 'execution', 'revocation', 'audit'])
        expect([area, await responseOf(`/api/${area}/parked`)]).toEqual([area, { status: 401, reason: 'token-missing', type: problem }]);
      for (const inside of ['/health/ready', '/metrics', '/api/nowhere/cases', '/directory.jws'])
        expect([inside, await responseOf(inside)]).toEqual([inside, { status: 404, reason: 'no-such-route', type: problem }]);
      await writeFile(inCheckout('large'), Buffer.alloc(300 * 1024, ' '));
      expect(await responseOf('/api/intake/cases', '--data-binary @large')).toMatchObject({ status: 413, reason: 'body-too-large' });
    });

    step('runs a case from its request to the proven end, with people who sign in', async () => {
      const held: string[] = [];
      await runReadmeCase(engineer, async (line) => {
        if ((await members()).length > 0) held.push(line.split(' ').slice(0, 4).join(' '));
      });
      expect(held).toContain('as erin case show');
      expect(held).not.toContain('as boris evidence add');
      expect(await members()).toEqual([]);
    });

    step('exports the log, and it verifies, also against what a SIEM has stored', async () => {
      const { stdout } = await engineer.run(blockOf('README.md', 'Run the services yourself', 6), homeOf(operator));
      expect(stdout).toMatch(/The log verifies: .*1 case/);
      const records = await asOwner(
        `SELECT convert_from(value, 'UTF8') AS line FROM bus.readmit_audit_ocsf_v1 ORDER BY "offset"`,
        'readmit',
      );
      await writeFile(inCheckout('readmit.ndjson'), records.map(({ line }) => `${String(line)}\n`).join(''));
      await cp(at('etc-readmit/keys/trust.json'), inCheckout('trust.json'));
      // readmit overwrites no file.
      await rename(inCheckout('log.ndjson'), inCheckout('first.ndjson'));
      const url = engineer.filled('export READMIT_URL=https://readmit.example.com');
      const checked = await engineer.run(`${url}\n${blockOf('docs/siem.md', 'Checkpoints')}`, homeOf(operator));
      expect(checked.stdout).toMatch(/The log verifies/);
      const missed = (await readFile(inCheckout('missed.ndjson'), 'utf8')).split('\n');
      expect(JSON.parse(missed[0] ?? '')).toMatchObject({ metadata: { sequence: 10 } });
    });

    step('signs the directory again, and rotates the key of a service with the root key from offline storage', async () => {
      await engineer.run(blockOf('docs/directory.md', 'Signed'));
      await mkdir(at('usb'));
      await rename(at('etc-readmit/keys/root-belongs-offline.jwk'), at('usb/root-belongs-offline.jwk'));
      const { stdout } = await engineer.run(blockOf('docs/operations.md', 'Signing keys'));
      expect(stdout).toMatch(/new key +\S+/);
    });

    step('needed no substitution that is not in the documentation', async () => {
      expect(engineer.unused).toEqual([]);
    });
  });

describe('a substitution', () => {
  const engineer = new Engineer('.', {}, [
    ['dana', 'u-1004'],
    ['https://readmit.example.com', 'https://localhost:4433'],
    ['8081', '28081'],
  ]);

  it('replaces whole words, each once', () => {
    expect(engineer.filled('dana signs danaid at https://readmit.example.com:8081 # sudo in a comment')).toBe(
      'u-1004 signs danaid at https://localhost:4433:28081 # sudo in a comment',
    );
    expect(engineer.unused).toEqual([]);
  });

  it.each([
    'KEY=...',
    'curl https://sso.example.com',
    'case show <case>',
    'cat /etc/readmit/keys',
    'sudo id',
    'npx readmit',
    '127.0.0.1:8090',
  ])('is required for %s', (line) => {
    expect(() => engineer.filled(`dana\n${line}`)).toThrow(`there is no substitution for:\n${line}`);
  });
});
