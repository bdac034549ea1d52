/** Keycloak is downloaded and built once, listens on loopback only, is the same after a restart, and stops with the process that started it. */
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { removeKeycloak, startKeycloak, type KeycloakServer } from '../src/index.js';
import { recordStarted } from '../src/left-behind.js';

// Two starts: 10 s each on an idle machine, minutes on a busy one.
jest.setTimeout(600_000);

const folders: string[] = [];
const running: KeycloakServer[] = [];
async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'readmit-keycloak-'));
  folders.push(made);
  return made;
}
async function start(dataDir: string, log?: (line: string) => void): Promise<KeycloakServer> {
  const server = await startKeycloak({ dataDir, ...(log ? { log } : {}) });
  running.push(server);
  return server;
}
afterAll(async () => {
  for (const server of running) await server.stop();
  for (const made of folders) await rm(made, { recursive: true, force: true });
});

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

async function signIn({ url, admin }: KeycloakServer): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...admin });
  return (await fetch(`${url}/realms/master/protocol/openid-connect/token`, { method: 'POST', body })).status;
}

describe('the Keycloak server', () => {
  it('listens on loopback only, refuses a second start on its folder, and is the same after the process that started it died', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    expect(await signIn(first)).toBe(200);
    expect(new Set(await listeners(first.pid))).toEqual(new Set(['loopback']));
    expect((await stat(path.join(dataDir, 'keycloak.json'))).mode & 0o777).toBe(0o600);
    await expect(startKeycloak({ dataDir })).rejects.toThrow(`in use by process ${process.pid}`);
    await first.stop();
    await first.stop();
    expect(alive(first.pid)).toBe(false);

    // A process that dies leaves its Keycloak behind: here any process with a record in the folder stands for it.
    const left = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    const gone = once(left, 'exit');
    await mkdir(path.join(dataDir, 'running'), { recursive: true });
    await recordStarted(dataDir, 'keycloak', left.pid ?? 0);
    const lines: string[] = [];
    const second = await start(dataDir, (line) => lines.push(line));
    expect(lines).toContain(`stopping the Keycloak (process ${left.pid}) that a dead process left in ${dataDir}`);
    expect(await gone).toEqual([null, 'SIGTERM']);
    expect([second.url, second.admin]).toEqual([first.url, first.admin]);
    expect(await signIn(second)).toBe(200);
    // Nothing is downloaded or built again.
    expect(lines.filter((line) => /^(downloading|building)/.test(line))).toEqual([]);
    await second.stop();
    await removeKeycloak(dataDir);
    await expect(stat(dataDir)).rejects.toThrow('ENOENT');
  });

  it('reports what is missing', async () => {
    const { JAVA_HOME } = process.env;
    try {
      process.env['JAVA_HOME'] = '/nowhere';
      await expect(startKeycloak({ dataDir: await folder() })).rejects.toThrow(
        '"/nowhere/bin/java" was not found: install Java 17 or newer',
      );
    } finally {
      if (JAVA_HOME === undefined) delete process.env['JAVA_HOME'];
      else process.env['JAVA_HOME'] = JAVA_HOME;
    }
  });
});

/** For each TCP socket on which the process listens: `loopback`, or the address as in /proc. */
async function listeners(pid: number): Promise<string[]> {
  const links = await Promise.all((await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
  const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
  const found: string[] = [];
  for (const table of ['tcp', 'tcp6'])
    for (const line of (await readFile(`/proc/${pid}/net/${table}`, 'utf8')).split('\n').slice(1)) {
      const field = line.trim().split(/\s+/);
      const address = field[1]?.split(':')[0] ?? '';
      if (field[3] === '0A' && inodes.has(field[9] ?? ''))
        found.push(/^(0100007F|0000000000000000FFFF00000100007F)$/.test(address) ? 'loopback' : address);
    }
  return found;
}
