/**
 * The embedded server: created once, durable over restarts, reachable only from this machine, stopped if its starter died. Uses its own small
 * servers, not that of the run.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, cp, lstat, mkdtemp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import {
  freePort,
  leaveFolder,
  processMark,
  removePostgres,
  startPostgres,
  takeFolder,
  whyTaken,
  type PostgresServer,
} from '../src/index.js';

const folders: string[] = [];
async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'readmit-postgres-'));
  folders.push(made);
  return made;
}
afterAll(async () => {
  for (const made of folders) await rm(made, { recursive: true, force: true });
});

async function ask<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as Row[];
  } finally {
    await client.end();
  }
}

describe('a free port', () => {
  it('can be listened on, and is not an ephemeral one', async () => {
    const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '49152');
    const lowest = Number.parseInt(range, 10);
    for (let tries = 0; tries < 20; tries++) {
      const port = await freePort();
      expect(port).toBeLessThan(lowest);
      const server = createServer().listen(port, '127.0.0.1');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
    }
  });
});

describe('a port that cannot be listened on', () => {
  it('has the reason: it is taken, or the machine has no such address', async () => {
    const port = await freePort();
    expect(await whyTaken(port)).toBeUndefined();
    // TEST-NET-1, which is not assigned (RFC 5737).
    expect(await whyTaken(port, '192.0.2.1')).toBe('EADDRNOTAVAIL');
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect(await whyTaken(port)).toBe('EADDRINUSE');
    server.close();
    await once(server, 'close');
  });
});

describe('embedded PostgreSQL', () => {
  it('has the same data and password after a restart on the same port, listens only on 127.0.0.1, and syncs to disk', async () => {
    const dataDir = await folder();
    const port = await freePort();
    const first = await startPostgres({ dataDir, port });
    await ask(first.url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)');
    const settings = await ask<{ name: string; setting: string }>(
      first.url,
      `SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'fsync', 'synchronous_commit', 'unix_socket_directories', 'password_encryption')`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      listen_addresses: '127.0.0.1',
      password_encryption: 'scram-sha-256',
      synchronous_commit: 'on',
      unix_socket_directories: '',
    });
    await first.stop();
    await first.stop();
    expect(await first.exited).toBe(0);

    const second = await startPostgres({ dataDir, port });
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
    expect((await stat(path.join(second.dataDir, 'owner-password'))).mode & 0o777).toBe(0o600);
    const wrong = new URL(second.url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await second.stop();
  });

  it('refuses a folder that a live process uses', async () => {
    const dataDir = await folder();
    const server = await startPostgres({ dataDir, durable: false });
    await expect(startPostgres({ dataDir, durable: false })).rejects.toThrow(`in use by process ${process.pid}`);
    await expect(removePostgres(server.dataDir)).rejects.toThrow(`in use by process ${process.pid}`);
    await server.stop();
    await removePostgres(server.dataDir);
    await expect(stat(server.dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('continues with the data where it was created after a parent folder became accessible, and reports one that no longer is', async () => {
    const above = await folder();
    const fallbackDir = await folder();
    const wanted = path.join(above, 'data');
    const said: string[] = [];
    const start = () => startPostgres({ dataDir: wanted, durable: false, fallbackDir, log: (line) => said.push(line) });
    await chmod(above, 0o700);
    const first = await start();
    await ask(first.url, 'CREATE TABLE kept (n int)');
    await first.stop();
    await chmod(above, 0o755);
    said.length = 0;
    const opened = await start();
    expect([opened.dataDir, await ask(opened.url, 'SELECT n FROM kept')]).toEqual([first.dataDir, []]);
    await opened.stop();
    // Only root must run the server as another user; other users can access their own folders.
    const root = process.getuid?.() === 0;
    if (root) {
      expect(said).toContain(
        `the data of ${wanted} is in ${first.dataDir}, because the user postgres could not reach ${wanted} when it was created: to move it, stop the server and move the content of ${first.dataDir} to ${wanted}`,
      );
      for (const name of await readdir(first.dataDir)) await rename(path.join(first.dataDir, name), path.join(wanted, name));
    }
    const moved = await start();
    expect([moved.dataDir, await ask(moved.url, 'SELECT n FROM kept')]).toEqual([wanted, []]);
    await moved.stop();
    await chmod(above, 0o700);
    if (root)
      await expect(start()).rejects.toThrow(
        `the user postgres can no longer reach the data in ${wanted}: make its parent folders accessible`,
      );
  });

  it('stops the server of a killed starter, and continues with its data', async () => {
    const dataDir = await folder();
    const typed = fileURLToPath(new URL('../../../tools/typed-sources.mjs', import.meta.url));
    const starter = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `const { runTyped } = await import(${JSON.stringify(typed)}); const { startPostgres } = await runTyped('libs/servers/src', 'postgres/postgres-server.ts'); const { pid } = await startPostgres({ dataDir: ${JSON.stringify(dataDir)} }); console.log(pid); setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(starter.stdout, 'data')) as [Buffer];
    const orphan = Number(String(line));
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    expect(() => process.kill(orphan, 0)).not.toThrow();

    const said: string[] = [];
    const server = await startPostgres({ dataDir, log: (text) => said.push(text) });
    expect(said).toContain(`stopping the PostgreSQL (process ${orphan}) that a dead process left in ${server.dataDir}`);
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await server.stop();
  });

  it.each<[string, (cluster: string) => { readonly cwd: string; readonly given: string }]>([
    ['with a relative folder', (cluster) => ({ cwd: path.dirname(cluster), given: 'cluster' })],
    ['under another name of the folder', (cluster) => ({ cwd: '/', given: `${cluster}/../cluster/.` })],
  ])('stops its server that somebody else started %s, whatever time its process file has', async (_, how) => {
    const dataDir = await folder();
    const first = await startPostgres({ dataDir, durable: false });
    const [postgres = ''] = (await readFile(`/proc/${first.pid}/cmdline`, 'utf8')).split('\0');
    await first.stop();
    const cluster = path.join(first.dataDir, 'cluster');
    const { cwd, given } = how(cluster);
    const words = ['-D', given, '-p', String(first.port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
    const { uid, gid } = await stat(cluster);
    const other = spawn(postgres, words, { cwd, uid, gid, stdio: ['ignore', 'ignore', 'pipe'] });
    const gone = once(other, 'exit');
    for await (const line of createInterface({ input: other.stderr })) if (line.includes('ready to accept connections')) break;
    other.stderr.resume();
    const file = path.join(cluster, 'postmaster.pid');
    const [pid, place, startedAt, ...rest] = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, [pid, place, Number(startedAt) - 3600, ...rest].join('\n'));
    const said: string[] = [];
    await removePostgres(first.dataDir, (line) => said.push(line));
    expect(said).toEqual([`stopping the PostgreSQL (process ${other.pid}) that a dead process left in ${first.dataDir}`]);
    expect(await gone).toEqual([0, null]);
    await expect(stat(first.dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('removes nothing if the process file cannot be read', async () => {
    const dataDir = await folder();
    const file = path.join(dataDir, 'cluster', 'postmaster.pid');
    await mkdir(path.dirname(file));
    await symlink(file, file);
    await expect(removePostgres(dataDir)).rejects.toMatchObject({ code: 'ELOOP' });
    await lstat(file);
    await rm(file);
    await removePostgres(dataDir);
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  describe('on a system that does not tell what a process is', () => {
    const { platform } = process;
    beforeAll(() => void Object.defineProperty(process, 'platform', { value: 'darwin' }));
    afterAll(() => void Object.defineProperty(process, 'platform', { value: platform }));
    async function left(recorded: string): Promise<string> {
      const dataDir = await folder();
      const cluster = path.join(dataDir, 'cluster');
      await mkdir(cluster);
      await writeFile(path.join(cluster, 'postmaster.pid'), `${process.ppid}\n${recorded || cluster}\n`);
      return dataDir;
    }

    it('neither stops nor removes anything while the process of the folder lives, and reports what to do', async () => {
      const dataDir = await left('');
      const file = path.join(dataDir, 'cluster', 'postmaster.pid');
      await expect(removePostgres(dataDir)).rejects.toThrow(
        `process ${process.ppid} may be the PostgreSQL that a dead process left in ${dataDir}: stop it; if it is another program, remove ${file}`,
      );
      expect(await readdir(path.join(dataDir, 'cluster'))).toEqual(['postmaster.pid']);
      await rm(file);
      await removePostgres(dataDir);
    });

    it('reports that the folder is in use if its starter lives', async () => {
      const dataDir = await left('');
      await writeFile(path.join(dataDir, 'started-by.json'), JSON.stringify({ pid: process.ppid, mark: await processMark(process.ppid) }));
      await expect(removePostgres(dataDir)).rejects.toThrow(`the data folder ${dataDir} is in use by process ${process.ppid}`);
    });

    it('removes a copied folder, which names the server of the original', async () => {
      const dataDir = await left(os.tmpdir());
      await removePostgres(dataDir);
      await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  describe('whose process file names a process that is not its server', () => {
    let other: PostgresServer;
    beforeAll(async () => {
      other = await startPostgres({ dataDir: await folder(), durable: false });
    });
    afterAll(() => other.stop());
    const workerOf = async (): Promise<number> =>
      (await ask<{ pid: number }>(other.url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"))[0]?.pid ?? 0;

    it.each<[string, () => number | Promise<number>]>([
      ['any program', () => process.pid],
      ['another PostgreSQL', () => other.pid],
      ['a worker process of another PostgreSQL', workerOf],
    ])('starts and leaves %s alone: numbers are used again after a restart of the machine', async (_, pidOf) => {
      const dataDir = await folder();
      const first = await startPostgres({ dataDir, durable: false });
      const file = path.join(first.dataDir, 'cluster', 'postmaster.pid');
      const [, ...rest] = (await readFile(file, 'utf8')).split('\n');
      await first.stop();
      const pid = await pidOf();
      await writeFile(file, [pid, ...rest].join('\n'));
      const said: string[] = [];
      const second = await startPostgres({ dataDir, durable: false, log: (line) => said.push(line) });
      expect(Number((await readFile(file, 'utf8')).split('\n')[0])).toBe(second.pid);
      expect(said.filter((line) => line.startsWith('stopping'))).toEqual([]);
      expect(() => process.kill(pid, 0)).not.toThrow();
      expect(await ask(other.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await second.stop();
    });

    it('starts on a copied folder and leaves the server of the original alone', async () => {
      const dataDir = await folder();
      const first = await startPostgres({ dataDir, durable: false });
      await first.stop();
      const copy = await folder();
      await cp(first.dataDir, copy, { recursive: true });
      const account = await stat(path.join(first.dataDir, 'cluster'));
      if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, path.join(copy, 'cluster')]);
      const original = await startPostgres({ dataDir, durable: false });
      const processFile = (of: string): string => path.join(of, 'cluster', 'postmaster.pid');
      await copyFile(processFile(original.dataDir), processFile(copy));
      const second = await startPostgres({ dataDir: copy, durable: false });
      expect(second.dataDir).toBe(copy);
      expect(await ask(original.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      await second.stop();
      await original.stop();
    });
  });

  it('starts even if a power failure has erased the record of its starter', async () => {
    const dataDir = await folder();
    const first = await startPostgres({ dataDir, durable: false });
    await first.stop();
    for (const left of ['', '{"pid":1']) {
      await writeFile(path.join(first.dataDir, 'started-by.json'), left);
      const server = await startPostgres({ dataDir, durable: false });
      await server.stop();
    }
  });

  it('reports the reason if the port is taken', async () => {
    const dataDir = await folder();
    const first = await startPostgres({ dataDir, durable: false });
    await expect(startPostgres({ dataDir: await folder(), port: first.port, durable: false })).rejects.toThrow('Address already in use');
    await first.stop();
  });

  it.each([
    ['', 0o755, 0o022],
    [', under a closed umask', undefined, 0o077],
    [', which an earlier start has closed', 0o700, 0o022],
  ])('puts the data where the server can reach it when the wanted folder is closed to it, and says where%s', async (_, mode, umask) => {
    const closed = await folder();
    await chmod(closed, 0o700);
    const wanted = path.join(closed, 'data');
    await mkdir(wanted);
    const open = await folder();
    await chmod(open, 0o755);
    const fallbackDir = path.join(open, 'readmit');
    if (mode !== undefined) await mkdir(fallbackDir, { mode });
    const said: string[] = [];
    const before = process.umask(umask);
    const server = await startPostgres({ dataDir: wanted, durable: false, fallbackDir, log: (text) => said.push(text) }).finally(() =>
      process.umask(before),
    );
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    // Only root must run the server as another user; other users can access their own folders.
    if (process.getuid?.() === 0) {
      expect(server.dataDir).not.toBe(wanted);
      expect(said).toContain(
        `the data of ${wanted} is in ${server.dataDir}: the user postgres cannot access the parent folders of ${wanted} (chmod o+x makes them accessible)`,
      );
    } else expect(server.dataDir).toBe(wanted);
    await expect(removePostgres(wanted, undefined, fallbackDir)).rejects.toThrow(`in use by process ${process.pid}`);
    await server.stop();
    await removePostgres(wanted, undefined, fallbackDir);
    await expect(stat(server.dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a data folder', () => {
  it('is taken by one live process at a time, and is free once that is dead or has released it', async () => {
    const taken = await folder();
    await writeFile(path.join(taken, 'started-by.json'), JSON.stringify({ pid: process.ppid, mark: 'of a process before it' }));
    await takeFolder(taken);
    expect(JSON.parse(await readFile(path.join(taken, 'started-by.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    await writeFile(path.join(taken, 'started-by.json'), JSON.stringify({ pid: process.ppid, mark: await processMark(process.ppid) }));
    await expect(takeFolder(taken)).rejects.toThrow(
      `the data folder ${taken} is in use by process ${process.ppid}: stop it, or choose another data folder`,
    );
    await leaveFolder(taken);
    await takeFolder(taken);
  });

  it('is taken by one of several concurrent processes', async () => {
    const typed = fileURLToPath(new URL('../../../tools/typed-sources.mjs', import.meta.url));
    const script = `const { runTyped } = await import(${JSON.stringify(typed)}); const { takeFolder } = await runTyped('libs/servers/src', 'data-folder.ts');
      const { createInterface } = await import('node:readline');
      console.log('ready');
      for await (const folder of createInterface({ input: process.stdin }))
        await takeFolder(folder).then(() => console.log('taken'), (error) => console.log(error.message));`;
    const ones = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const lines = ones.map((one) => createInterface({ input: one.stdout })[Symbol.asyncIterator]());
    const next = (): Promise<unknown[]> => Promise.all(lines.map(async (of) => (await of.next()).value as unknown));
    try {
      expect(await next()).toEqual(Array(4).fill('ready'));
      // A race, so it is tried often: checking before writing would let two in within a few of these folders.
      for (let round = 0; round < 50; round++) {
        const wanted = await folder();
        for (const one of ones) one.stdin.write(`${wanted}\n`);
        const said = await next();
        const refusal = `the data folder ${wanted} is in use by process ${ones[said.indexOf('taken')]?.pid}: stop it, or choose another data folder`;
        expect(said.filter((line) => line !== refusal)).toEqual(['taken']);
      }
    } finally {
      for (const one of ones) one.kill('SIGKILL');
    }
  });
});
