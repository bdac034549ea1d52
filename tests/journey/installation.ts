/** Runs the launcher and the CLI as processes of the built programs, like a person at a terminal. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { keyFiles } from '@readmit/signing';
import { serviceUrls } from '@readmit/store';

export const workspace = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const program = (app: string): string => {
  const file = path.join(workspace, 'dist/apps', app, 'main.js');
  if (!existsSync(file)) throw new Error(`${file} does not exist: run npm run build first`);
  return file;
};

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A state folder that the database's user can access, too. */
export async function newStateDir(): Promise<{ readonly dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'readmit-journey-'));
  await chmod(dir, 0o755);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** The environment of a clean shell, without that of the test run. */
export const shell = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? os.homedir(),
  ...more,
});

/** Runs a program to its end. */
export function runToEnd(file: string, argv: readonly string[], env = shell()): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...argv], { cwd: workspace, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString('utf8')));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

export interface Installation {
  readonly origin: string;
  readonly issuer: string;
  readonly stateDir: string;
  /** The output of the launcher. */
  readonly printed: string;
  readonly pid: number;
  /** Stops it like Ctrl-C. Resolves with the exit code. */
  stop(): Promise<number>;
}

/** Starts `npm start -- --no-tour` (without npm) on a free port, and reads its output like a person. */
export async function startInstallation(stateDir: string, more: readonly string[] = []): Promise<Installation> {
  const child = spawn(process.execPath, [program('standalone'), '--no-tour', '--port', '0', '--state', stateDir, ...more], {
    cwd: workspace,
    env: shell(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const exited = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  const serving = new Promise<void>((resolve) => {
    const take = (bytes: Buffer): void => {
      printed += bytes.toString('utf8');
      if (/export READMIT_URL=\S+ READMIT_ISSUER=\S+[\s\S]*\n\s*\n?$/.test(printed)) resolve();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
  });
  await Promise.race([
    serving,
    exited.then((code) => {
      throw new Error(`the launcher exited with ${code}:\n${printed}`);
    }),
  ]);
  const [, origin, issuer] = /export READMIT_URL=(\S+) READMIT_ISSUER=(\S+)/.exec(printed) ?? [];
  if (!origin || !issuer) throw new Error(`the launcher does not print its URLs:\n${printed}`);
  return {
    origin,
    issuer,
    stateDir,
    printed,
    pid: child.pid ?? 0,
    stop: () => {
      child.kill('SIGINT');
      return exited;
    },
  };
}

/** Runs `readmit` as the persona, with its own config folder in the state folder. */
export async function readmit(
  at: Pick<Installation, 'origin' | 'issuer' | 'stateDir'>,
  persona: string,
  argv: readonly string[],
): Promise<Ran> {
  return runToEnd(program('cli'), argv, shell({ ...cliEnvironment(at, persona) }));
}
export const cliEnvironment = (at: Pick<Installation, 'origin' | 'issuer' | 'stateDir'>, persona: string) => ({
  READMIT_HOME: path.join(at.stateDir, 'homes', persona),
  READMIT_URL: at.origin,
  READMIT_ISSUER: at.issuer,
  NO_COLOR: '1',
});

/** Every process with the folder in its command line, working directory or environment. */
export async function processesOf(folder: string): Promise<readonly string[]> {
  if (!existsSync('/proc/self/cmdline')) {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,command=']);
    return stdout.split('\n').filter((line) => line.includes(folder));
  }
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    // A process may end meanwhile, and the environments of other users' processes cannot be read.
    const read = (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    const command = (await read('cmdline')).replaceAll('\0', ' ');
    if ([command, cwd, await read('environ')].some((text) => text.includes(folder))) found.push(`${pid} ${command}`);
  }
  return found;
}

/** What an attacker with access to the state folder has: role passwords and service keys. */
export async function lootOf(stateDir: string) {
  const { database } = JSON.parse(await readFile(path.join(stateDir, 'ports.json'), 'utf8')) as { database: number };
  const ownerUrl = `postgres://owner@127.0.0.1:${database}/`;
  const databaseUrls = await serviceUrls({ ownerUrl, secretsDir: path.join(stateDir, 'secrets'), database: 'readmit' });
  return { databaseUrls, keys: await keyFiles(path.join(stateDir, 'keys'), 'standalone'), environment: 'standalone' };
}
