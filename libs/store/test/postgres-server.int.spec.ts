/**
 * The embedded server: made once, durable over restarts, reachable from this machine alone, cleaned up after the dead.
 * Runs its own small servers, apart from the run's.
 */
import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { freePort, removePostgres, startPostgres } from '../src/index.js';

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
  it('is one to listen on, and none that outgoing connections are given', async () => {
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

describe('embedded PostgreSQL', () => {
  it('keeps data and password over a restart on the same port, listens on 127.0.0.1 alone, and syncs to disk', async () => {
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

  it('stops the server of a starter that was killed, and goes on with its data', async () => {
    const dataDir = await folder();
    const module = fileURLToPath(new URL('../src/postgres-server.ts', import.meta.url));
    const starter = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `const { startPostgres } = await import(${JSON.stringify(module)}); const { pid } = await startPostgres({ dataDir: ${JSON.stringify(dataDir)} }); console.log(pid); setInterval(() => {}, 1000);`,
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

  it('removes the process file of a server that is dead', async () => {
    const dataDir = await folder();
    const first = await startPostgres({ dataDir });
    await first.stop();
    // The id of a process that lives and is no PostgreSQL: ids are used again after a restart of the machine.
    const file = path.join(first.dataDir, 'cluster', 'postmaster.pid');
    await writeFile(file, `${process.pid}\n${first.dataDir}\n`);
    const second = await startPostgres({ dataDir });
    expect(Number((await readFile(file, 'utf8')).split('\n')[0])).toBe(second.pid);
    await second.stop();
  });

  it('names the reason when the port is taken', async () => {
    const dataDir = await folder();
    const first = await startPostgres({ dataDir, durable: false });
    await expect(startPostgres({ dataDir: await folder(), port: first.port, durable: false })).rejects.toThrow('Address already in use');
    await first.stop();
  });

  it('puts the data where the server can reach it when the wanted folder is closed to it, and says where', async () => {
    const closed = await folder();
    await chmod(closed, 0o700);
    const wanted = path.join(closed, 'data');
    await mkdir(wanted);
    const said: string[] = [];
    const server = await startPostgres({ dataDir: wanted, durable: false, log: (text) => said.push(text) });
    folders.push(server.dataDir);
    expect(await ask(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    // Only root must hand the server to another user; everybody else reaches what is theirs.
    if (process.getuid?.() === 0) {
      expect(server.dataDir).not.toBe(wanted);
      expect(said).toContain(`the user postgres cannot reach ${wanted}: the data lies in ${server.dataDir}`);
    } else expect(server.dataDir).toBe(wanted);
    await server.stop();
  });
});
