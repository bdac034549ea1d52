/** What is left running after Ctrl-C at any moment, a killed service, or a killed launcher. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { removePostgres } from '@readmit/servers';
import { until } from '@readmit/testing';
import { execFileSync, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { workspace, stateFolder } from './world.js';

interface Launcher {
  readonly pid: number;
  output(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}
const folders: string[] = [];
const launchers: Launcher[] = [];
afterEach(async () => {
  for (const { pid, ended } of launchers.splice(0)) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await ended;
  }
  for (const folder of folders.splice(0)) {
    for (const name of ['database', 'target']) await removePostgres(path.join(folder, name));
    await rm(folder, { recursive: true, force: true });
  }
});

async function newFolder(): Promise<string> {
  const folder = await stateFolder();
  folders.push(folder);
  return folder;
}
function launch(stateDir: string): Launcher {
  const child = spawn(
    process.execPath,
    [path.join(workspace, 'dist/apps/standalone/main.js'), '--processes', '--no-tour', '--port', '0', '--state', stateDir],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] ?? '' } },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  const launcher: Launcher = {
    pid: child.pid ?? 0,
    output: () => output,
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal }))),
  };
  launchers.push(launcher);
  return launcher;
}
const prints = (launcher: Launcher, text: string): Promise<true> =>
  until(
    () => {
      if (launcher.output().includes(text)) return true;
      return false;
    },
    { what: `the launcher prints "${text}"` },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; its output is ${launcher.output()}`);
  }) as Promise<true>;

/** Processes whose command line or environment has the text. */
function processes(text: string): readonly { readonly pid: number; readonly line: string }[] {
  return execFileSync('ps', ['axeww', '-o', 'pid=,args='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
    .split('\n')
    .filter((line) => line.includes(text))
    .map((line) => ({ pid: Number.parseInt(line.trim(), 10), line }));
}
/** Their command lines, shortened. */
const running = (text: string): string[] => processes(text).map(({ line }) => line.trim().slice(0, 200));
const serviceOf = (stateDir: string, service: string): number | undefined =>
  processes(`${stateDir}/keys/${service}.jwk`).find(({ line }) => line.includes(`/${service}/main.js`))?.pid;

describe('the launcher with six processes', () => {
  it.each(['starting PostgreSQL', 'starting the target PostgreSQL', 'starting six services'])(
    'Ctrl-C while it prints "%s" leaves nothing running',
    async (moment) => {
      const stateDir = await newFolder();
      const launcher = launch(stateDir);
      await prints(launcher, moment);
      expect(running(stateDir).length).toBeGreaterThan(0);
      process.kill(launcher.pid, 'SIGINT');
      expect(await launcher.ended).toEqual({ code: 130, signal: null });
      expect(running(stateDir)).toEqual([]);
    },
    60_000,
  );

  it('R8.1 ends its services if it is killed itself, starts again with their data, and leaves nothing running after Ctrl-C during a restart', async () => {
    const stateDir = await newFolder();
    const killed = launch(stateDir);
    await prints(killed, 'Serving.');
    process.kill(killed.pid, 'SIGKILL');
    await until(() => processes(stateDir).every(({ line }) => !line.includes('/main.js')), {
      what: 'the services have ended',
    });

    const launcher = launch(stateDir);
    await prints(launcher, 'Serving.');
    const audit = serviceOf(stateDir, 'audit');
    if (audit === undefined) throw new Error('audit is not a process');
    process.kill(audit, 'SIGKILL');
    await prints(launcher, 'restarting audit in 0.2 s: it exited unexpectedly (signal SIGKILL)');
    await until(() => ![undefined, audit].includes(serviceOf(stateDir, 'audit')), { what: 'audit is started again' });
    process.kill(launcher.pid, 'SIGINT');
    expect(await launcher.ended).toEqual({ code: 130, signal: null });
    expect(running(stateDir)).toEqual([]);
  });
});
