/** The built programs as files: their permissions, and the Node that they need. */
import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { workspace, newStateDir, program, runToEnd, shell } from './installation.js';

interface Package {
  readonly bin: { readonly readmit: string };
  readonly engines: { readonly node: string };
  readonly dependencies: { readonly node: string };
}
const { bin, engines, dependencies } = JSON.parse(readFileSync(path.join(workspace, 'package.json'), 'utf8')) as Package;

/** Runs the file with a Node that pretends to have this version. */
const runBy = (version: string, file: string, ...args: string[]) =>
  runWith(`Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`, file, ...args);
/** Runs the file after a module that changes the environment. */
function runWith(pretends: string, file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretends)}`, file, ...args],
    { cwd: workspace, env: shell(), encoding: 'utf8', timeout: 60_000 },
  );
  return { status, stdout, stderr };
}

describe('the program readmit', () => {
  it('is executable', () => {
    const file = path.join(workspace, bin.readmit);
    expect(statSync(program('cli')).mode & 0o777).toBe(0o755);
    expect(execFileSync(file, ['--version'], { env: { PATH: path.dirname(process.execPath) }, encoding: 'utf8' })).toBe('0.1.0\n');
  });
});

describe('a wrong Node', () => {
  const apps = ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit', 'cli', 'demo', 'standalone'];
  it.each(apps)('is refused by %s before anything else, with the version that it needs', (app) => {
    expect(runBy('20.20.2', program(app), '--help')).toEqual({
      status: 78,
      stdout: '',
      stderr: `Readmit needs Node 24 or newer; this is Node 20.20.2 (${process.execPath}).\n`,
    });
  });

  it.each(['24.0.0', '26.1.0'])('is not %s', (version) => {
    expect(runBy(version, program('cli'), '--version')).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
    expect(runBy(version, program('approval'))).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('approval cannot start. The configuration has'),
    });
  });

  it('is one that package.json does not allow, unlike the pinned one', () => {
    expect(`>=${/Node (\d+) or newer/.exec(runBy('20.20.2', program('cli')).stderr)?.[1]}`).toBe(engines.node);
    expect(dependencies.node).toMatch(/^24\./);
  });

  it('is refused by npm start below 20; any newer one downloads the right one', () => {
    const runner = path.join(workspace, 'tools/run.mjs');
    expect(runBy('18.20.4', runner, 'start')).toEqual({
      status: 78,
      stdout: '',
      stderr: `npm start and the other scripts need Node 20 or newer, which then downloads the Node that Readmit runs on; this is Node 18.20.4 (${process.execPath}).\n`,
    });
    expect(runBy('20.20.2', runner, 'start', '--help')).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('npm start -- --help', () => {
  it('prints its options without installing or building anything', () => {
    const { status, stdout } = runBy('20.20.2', path.join(workspace, 'tools/run.mjs'), 'start', '--help');
    expect(stdout).toBe(readFileSync(path.join(workspace, 'apps/standalone/usage.txt'), 'utf8'));
    expect(status).toBe(0);
    expect(runBy('24.0.0', program('standalone'), '--help')).toMatchObject({ status: 0, stdout });
  });
});

describe('npm start in a read-only checkout', () => {
  const start = (code: string, missing = '') =>
    runWith(
      `import fs from 'node:fs';
       import { syncBuiltinESMExports } from 'node:module';
       const { existsSync } = fs;
       fs.accessSync = () => { throw Object.assign(new Error('pretended'), { code: '${code}' }); };
       fs.existsSync = (file) => file !== '${missing}' && existsSync(file);
       syncBuiltinESMExports();`,
      path.join(workspace, 'tools/run.mjs'),
      'start',
      '--port=none',
    );

  it.each(['EROFS', 'EACCES'])('builds nothing (%s) and runs the existing build', (code) => {
    expect(start(code)).toEqual({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^--port must be an integer from 0 to 65535, was 'none'\n/),
    });
  });

  it('says what to do if there is no build', () => {
    expect(start('EROFS', program('standalone'))).toEqual({
      status: 1,
      stdout: '',
      stderr: `${workspace} is read-only and was not built, so dist/apps/standalone/main.js cannot run: run npm run build in a writable copy first\n`,
    });
  });

  it('control: fails on another error', () => {
    expect(start('EIO')).toEqual({ status: 1, stdout: '', stderr: 'error: pretended\n' });
  });
});

describe('environment variables for other tools', () => {
  const others = {
    PGSSLMODE: 'require',
    PGOPTIONS: '-c default_transaction_read_only=on',
    PGHOST: 'db.example.com',
    NODE_PG_FORCE_NATIVE: '1',
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: 'http://127.0.0.1:9',
  };

  it('have no effect on databases on this machine', async () => {
    const { dir, remove } = await newStateDir();
    try {
      const argv = ['--no-tour', '--once', '--port', '0', '--state', dir];
      expect(await runToEnd(program('standalone'), argv, shell(others))).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await remove();
    }
  });

  it.each([{}, { no_proxy: 'intranet.example.com' }])('send no request to this machine through a proxy (%j)', async (more) => {
    const requested: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      requested.push(request.url);
      response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await runToEnd(program('cli'), ['login', '--issuer', issuer], shell({ ...others, ...more }));
      expect(requested).toContain('/.well-known/openid-configuration');
    } finally {
      server.close();
      await once(server, 'close');
    }
  });
});

describe('a launcher whose stdout is closed', () => {
  it('exits without a message, and stops what it started', async () => {
    const { dir, remove } = await newStateDir();
    try {
      const child = spawn(process.execPath, [program('standalone'), '--no-tour', '--port', '0', '--state', dir], {
        env: shell(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString('utf8')));
      child.stdout.destroy();
      const [code] = (await once(child, 'close')) as [number | null];
      expect({ code, stderr }).toEqual({ code: 141, stderr: '' });
      expect(await readdir(path.join(dir, 'database', 'cluster'))).not.toContain('postmaster.pid');
    } finally {
      await remove();
    }
  });
});
