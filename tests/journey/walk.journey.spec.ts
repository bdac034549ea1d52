/**
 * Readmit on a machine of one's own, by nothing but the blocks of README and docs: own PostgreSQL and nginx, an issuer, a directory, six
 * processes, and a case from its request to the proven end. Whatever is not in a document is said here: what an engineer puts in for names and
 * places, what she types into a file, and where she waits. Not here: TLS to the database and the issuer, which are on this machine.
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
import { house, newStateDir, processesOf, shell } from './installation.js';
import { Engineer, linesOf, playCase } from './walk.js';

const missing = ensureDebian(frontPrograms);
if (missing !== undefined) it.skip(`the six services behind nginx: ${missing}`, () => {});

/** The issuer's names for those who play in README's case, as `readmit directory init` calls them; the operator is added by hand. */
const people = { erin: 'u-1001', boris: 'u-1002', chidi: 'u-1003', dana: 'u-1004' } as const;
const operator = 'u-1005';
const asRoot = process.getuid?.() === 0;

let state: Awaited<ReturnType<typeof newStateDir>>;
let database: Awaited<ReturnType<typeof startPostgresRelease>>;
let engineer: Engineer;
const at = (...parts: string[]): string => path.join(state.dir, ...parts);
/** Where the engineer stands: a checkout that is built. */
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
  await symlink(path.join(house, 'dist'), inCheckout('dist'));
  await cp(path.join(house, 'deploy'), inCheckout('deploy'), { recursive: true });
  await mkdir(at('nginx/conf.d'), { recursive: true });
  await mkdir(at('nginx/tls'));
  const ports = await portsInARow(6);
  const [tls, directory, demo] = [await freePort(), await freePort(), await freePort()];
  const { password } = new URL(database.url);
  const env = {
    // As the first block exports it; and where Debian has nginx.
    PATH: `${inCheckout('node_modules/.bin')}:${process.env['PATH'] ?? ''}:/usr/sbin`,
    NODE_EXTRA_CA_CERTS: at('nginx/tls/readmit.pem'),
    DEMO_PORT: String(demo),
    NO_COLOR: '1',
  };
  engineer = new Engineer(inCheckout(), shell(env), [
    // `npm test` has built already, and a build in the middle of it would take the programs away from other specs.
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
    // The case of the demo, with people and target of one's own.
    ['http://127.0.0.1:7400', `https://localhost:${tls}`],
    ['http://127.0.0.1:<port of the demo identity provider>', `http://127.0.0.1:${demo}`],
    ['target-postgres/erin/app_admin', 'ledger/ada/app_admin'],
    ...Object.entries(people),
    // Nobody sits at a terminal who could say yes.
    [' --key .readmit/demo/keys/chidi.jwk', ' --yes'],
    [' --key .readmit/demo/keys/dana.jwk', ' --yes'],
    ['--from 4200', '--from 10'],
    ['secrets/keys', at('etc-readmit/keys')],
    ['/media/usb', at('usb')],
    // The device flow wants a browser (apps/demo/test/device-flow.int.spec.ts).
    ['readmit login\n', `readmit login --as ${operator}\n`],
  ]);
  await certificate();
}, 120_000);
afterAll(async () => {
  if (missing !== undefined) return;
  await engineer.stop();
  await database.remove();
  const left = await processesOf(state.dir);
  await state.remove();
  expect(left).toEqual([]);
}, 60_000);

/** What a site has from its own authority: here the certificate is its own. */
async function certificate(): Promise<void> {
  const files = ['-keyout', at('nginx/tls/readmit.key'), '-out', at('nginx/tls/readmit.pem')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...name, ...files]);
}

/** nginx as Debian's own configuration starts it, in folders of ours. */
async function startNginx(): Promise<void> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${at('nginx', one)};`);
  const http = `http { ${temporary.join(' ')} include ${at('nginx/conf.d/*.conf')}; }`;
  const main = `${asRoot ? 'user www-data; ' : ''}daemon off; pid ${at('nginx/nginx.pid')}; error_log stderr warn;`;
  await writeFile(at('nginx/nginx.conf'), `${main} events {} ${http}\n`);
  engineer.start('nginx -g ""');
  await until(() => readFile(at('nginx/nginx.pid'), 'utf8').catch(() => ''), { what: 'nginx runs', timeoutMs: 90_000 });
}

async function portsInARow(count: number): Promise<readonly number[]> {
  for (;;) {
    const first = await freePort();
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const taken = await Promise.all(ports.map((port) => whyTaken(port)));
    if (taken.every((why) => why === undefined)) return ports;
  }
}

/** What is typed into directory.yaml: the lines that approvers sent, and somebody who operates. */
async function editDirectory(keys: Readonly<Record<string, string>>): Promise<void> {
  const file = inCheckout('directory.yaml');
  const directory = parse(await readFile(file, 'utf8')) as { people: { id: string; keys: unknown[] }[] };
  for (const person of directory.people) if (keys[person.id] !== undefined) person.keys.push(JSON.parse(keys[person.id] ?? ''));
  const like = { human: 'h-5', name: 'Gita', authority: 0, employment: 'employee', privileged: false, contacts: [], accounts: [] };
  directory.people.push({ id: operator, teams: ['platform-operators'], keys: [], ...like } as never);
  await writeFile(file, stringify(directory));
}
/** Who has what of the role that the case is about, at the target. */
const members = () =>
  asOwner(
    `SELECT member::regrole::text AS who FROM pg_auth_members WHERE roleid = 'app_admin'::regrole AND member = 'ada'::regrole`,
    'ledger',
  );

const problem = 'application/problem+json';
/** What the front answers. */
async function answers(target: string, more = ''): Promise<{ readonly status: number; readonly reason: string; readonly type: string }> {
  const { stdout } = await engineer.run(
    `curl --silent --show-error --cacert "$NODE_EXTRA_CA_CERTS" ${more} --write-out '\n%{http_code} %{content_type}' https://readmit.example.com${target}`,
  );
  const [body = '', last = ''] = stdout.split(/\n(?=[^\n]*$)/);
  const [status, type = ''] = last.split(/[ ;]/);
  return { status: Number(status), reason: (JSON.parse(body) as { reason: string }).reason, type };
}

/** A step that stands on those before it. */
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
  describe('a platform engineer, by nothing but README and docs', () => {
    step('looks at what would be made, makes database, roles and keys, and finds them there', async () => {
      const block = blockOf('README.md', 'Run the services yourself', 1);
      const look = block.replace(' --apply', '');
      await asOwner(`CREATE ROLE helpless LOGIN PASSWORD '${scramVerifier(new URL(database.url).password)}'`);
      await expect(engineer.run(look.replace('owner@127.0.0.1', 'helpless@127.0.0.1'))).rejects.toThrow('helpless may not create roles');
      const before = (await engineer.run(look)).stdout;
      for (const will of ['make a root key in', 'create the database readmit', 'create the role readmit_audit', 'create the schema audit'])
        expect(before).toContain(will);
      const { stdout } = await engineer.run(block);
      expect((await engineer.run(look)).stdout).toBe(
        'This would:\n  - rewrite the grants of each role\nNothing was changed. Repeat with --apply.\n',
      );
      const [, rootKey] = /READMIT_ROOT_KEY\s+(\S+)/.exec(stdout) ?? [];
      engineer.learns('READMIT_ROOT_KEY=...', `READMIT_ROOT_KEY=${rootKey ?? ''}`);
      expect(rootKey).toMatch(/^[\w-]{43}$/);
    });

    step('says who is who in a directory of their own, and signs it', async () => {
      const [init = '', approver = '', key = '', ...rest] = linesOf(blockOf('docs/directory.md', 'Making one'));
      await engineer.run(init);
      const keys: Record<string, string> = {};
      for (const who of ['chidi', 'dana'] as const)
        keys[people[who]] = (await engineer.run(approver.replace('dana', who), homeOf(people[who]))).stdout;
      await editDirectory(keys);
      const directoryKey = (await engineer.run(key)).stdout.trim();
      engineer.learns('READMIT_DIRECTORY_KEY=...', `READMIT_DIRECTORY_KEY=${directoryKey}`);
      const { stdout } = await engineer.run(rest.join('\n'), { READMIT_DIRECTORY_KEY: directoryKey });
      expect(stdout).toMatch(/signed by that key\.\n.*\n.*\npeople +5\n/);
      await engineer.run(blockOf('docs/directory.md', 'Served'));
    });

    step('gives the executor its rights at a target of their own, and names it', async () => {
      await asOwner('CREATE DATABASE ledger');
      await asOwner('CREATE ROLE app_admin; CREATE ROLE payroll; CREATE ROLE payroll_a LOGIN; CREATE ROLE ada LOGIN', 'ledger');
      await asOwner(blockOf('docs/targets.md', 'Rights of the executor at PostgreSQL', 1), 'ledger');
      await asOwner(blockOf('docs/targets.md', 'Rights of the executor at PostgreSQL', 2), 'ledger');
      // As \password does it.
      await asOwner(`ALTER ROLE readmit_exec PASSWORD '${scramVerifier('executor')}'`);
      await writeFile(inCheckout('targets.json'), engineer.filled(blockOf('docs/targets.md', 'Targets')));
      expect(await members()).toEqual([]);
    });

    step("starts the demo's issuer alone, and answers what the settings ask", async () => {
      const said = engineer.start(blockOf('docs/sign-in.md', 'An issuer to try it with'));
      await until(() => said.stdout.includes('client secrets') || said.stderr, { what: 'the issuer runs', timeoutMs: 90_000 });
      expect(said.stderr).toBe('');
      await cp(inCheckout('demo-issuer/clients/readmit-intake.secret'), inCheckout('readmit-intake.secret'));
      for (const name of ['example.env', 'nginx.conf']) {
        const file = inCheckout('deploy/processes', name);
        await writeFile(file, engineer.filled(await readFile(file, 'utf8')));
      }
      await engineer.run(blockOf('README.md', 'Run the services yourself', 2));
    });

    step('puts nginx in front, which answers for services that are away', async () => {
      await startNginx();
      await engineer.run(blockOf('README.md', 'Run the services yourself', 3));
      // nginx takes a new configuration a moment after it was told to.
      const patient = 'curl --silent --show-error --fail --retry 60 --retry-delay 1 --retry-connrefused';
      const directory = await engineer.run(`${patient} http://127.0.0.1:8090/directory.jws`);
      expect(directory.stdout).toBe(await readFile(inCheckout('directory.jws'), 'utf8'));
      expect(await answers('/api/approval/cases/case_1')).toMatchObject({ status: 503, reason: 'answer-lost' });
    });

    step('starts six processes, and all are ready', async () => {
      const said = engineer.start(blockOf('README.md', 'Run the services yourself', 4));
      const { stdout } = await engineer.run(blockOf('README.md', 'Run the services yourself', 5)).catch((error: unknown) => {
        throw new Error(`not ready; the services said:\n${said.stderr}${said.stdout.slice(-4000)}`, { cause: error });
      });
      expect(stdout.match(/"ready"/g)).toHaveLength(6);
      for (const area of ['intake', 'classification', 'approval', 'execution', 'revocation', 'audit'])
        expect([area, await answers(`/api/${area}/parked`)]).toEqual([area, { status: 401, reason: 'token-missing', type: problem }]);
      for (const inside of ['/health/ready', '/metrics', '/api/nowhere/cases', '/directory.jws'])
        expect([inside, await answers(inside)]).toEqual([inside, { status: 404, reason: 'no-such-route', type: problem }]);
      await writeFile(inCheckout('large'), Buffer.alloc(300 * 1024, ' '));
      expect(await answers('/api/intake/cases', '--data-binary @large')).toMatchObject({ status: 413, reason: 'body-too-large' });
    });

    step('plays a case from its request to the proven end, with people who sign in', async () => {
      const held: string[] = [];
      await playCase(engineer, async (line) => {
        if ((await members()).length > 0) held.push(line.split(' ').slice(0, 4).join(' '));
      });
      expect(held).toContain('as erin case show');
      expect(held).not.toContain('as boris evidence add');
      expect(await members()).toEqual([]);
    });

    step('takes the log out, and it verifies, also against what a SIEM has kept', async () => {
      const { stdout } = await engineer.run(blockOf('README.md', 'Run the services yourself', 6), homeOf(operator));
      expect(stdout).toMatch(/The log verifies: .*1 case/);
      const records = await asOwner(
        `SELECT convert_from(value, 'UTF8') AS line FROM bus.readmit_audit_ocsf_v1 ORDER BY "offset"`,
        'readmit',
      );
      await writeFile(inCheckout('readmit.ndjson'), records.map(({ line }) => `${String(line)}\n`).join(''));
      await cp(at('etc-readmit/keys/trust.json'), inCheckout('trust.json'));
      // readmit replaces no file.
      await rename(inCheckout('log.ndjson'), inCheckout('first.ndjson'));
      const url = engineer.filled('export READMIT_URL=https://readmit.example.com');
      const checked = await engineer.run(`${url}\n${blockOf('docs/siem.md', 'Checkpoints')}`, homeOf(operator));
      expect(checked.stdout).toMatch(/The log verifies/);
      const missed = (await readFile(inCheckout('missed.ndjson'), 'utf8')).split('\n');
      expect(JSON.parse(missed[0] ?? '')).toMatchObject({ metadata: { sequence: 10 } });
    });

    step('signs the directory again, and gives a service another key, with the root key from where it was taken', async () => {
      await engineer.run(blockOf('docs/directory.md', 'Signed'));
      await mkdir(at('usb'));
      await rename(at('etc-readmit/keys/root-belongs-offline.jwk'), at('usb/root-belongs-offline.jwk'));
      const { stdout } = await engineer.run(blockOf('docs/operations.md', 'Signing keys'));
      expect(stdout).toMatch(/new key +\S+/);
    });

    step('was told of nothing that no document has', async () => {
      expect(engineer.unused).toEqual([]);
    });
  });

describe('what is put in for names and places', () => {
  const hands = new Engineer('.', {}, [
    ['dana', 'u-1004'],
    ['https://readmit.example.com', 'https://localhost:4433'],
    ['8081', '28081'],
  ]);

  it('is put in for whole words, each once', () => {
    expect(hands.filled('dana signs danaid at https://readmit.example.com:8081 # sudo in a comment')).toBe(
      'u-1004 signs danaid at https://localhost:4433:28081 # sudo in a comment',
    );
    expect(hands.unused).toEqual([]);
  });

  it.each([
    'KEY=...',
    'curl https://sso.example.com',
    'case show <case>',
    'cat /etc/readmit/keys',
    'sudo id',
    'npx readmit',
    '127.0.0.1:8090',
  ])('is missed where it is not said: %s', (line) => {
    expect(() => hands.filled(`dana\n${line}`)).toThrow(`nobody said what stands here instead:\n${line}`);
  });
});
