import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@readmit/testing';
import { Client } from 'ldapts';
import { processMark, removeOpenLdap, startOpenLdap, type OpenLdapServer } from '../src/index.js';

let folder: string;
let server: OpenLdapServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-jest-'));
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await removeOpenLdap(folder);
});

async function namesAt(at: OpenLdapServer): Promise<string[]> {
  const client = new Client({ url: at.url, timeout: 5_000, connectTimeout: 5_000 });
  try {
    await client.bind(at.admin.dn, at.admin.password);
    const found = await client.search('ou=people,dc=acme,dc=test', { filter: '(uid=*)', attributes: ['uid'] });
    return found.searchEntries.map(({ uid }) => String(uid)).toSorted();
  } finally {
    await client.unbind();
  }
}

describe('the OpenLDAP server', () => {
  it('has the data of the LDIF files, listens on loopback only, and its files are readable only by the owner', async () => {
    server = await startOpenLdap({ dataDir: folder });
    expect(await namesAt(server)).toEqual(['dave', 'erin']);
    const elsewhere = Object.values(os.networkInterfaces())
      .flatMap((all) => all ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    if (elsewhere) expect(await connects(elsewhere.address, server.port)).toBe(false);
    expect(await connects('127.0.0.1', server.port)).toBe(true);
    for (const name of ['kept.json', 'password']) expect((await stat(path.join(folder, name))).mode & 0o077).toBe(0);
    expect(await readdir(folder)).not.toContain('config.ldif');
  });

  it('keeps its data and port over a restart, a crash and another start', async () => {
    server = await startOpenLdap({ dataDir: folder });
    const { port } = server;
    await server.modify('data', 'dn: uid=dave,ou=people,dc=acme,dc=test\nchangetype: delete\n');
    await server.restart();
    expect(await namesAt(server)).toEqual(['erin']);
    await server.kill();
    await server.stop();
    server = await startOpenLdap({ dataDir: folder });
    expect([server.port, await namesAt(server)]).toEqual([port, ['erin']]);
  });

  it('refuses a second start on its folder, and is stopped if the process that started it died', async () => {
    server = await startOpenLdap({ dataDir: folder });
    const { pid } = server;
    await expect(startOpenLdap({ dataDir: folder })).rejects.toThrow(`is in use by process ${process.pid}`);
    expect(await namesAt(server)).toEqual(['dave', 'erin']);
    // As if another process had started it and died.
    await writeFile(path.join(folder, 'started-by.json'), JSON.stringify({ pid: process.pid, mark: 'another start' }));
    const log: string[] = [];
    server = await startOpenLdap({ dataDir: folder, log: (line) => log.push(line) });
    expect(log).toContain(`stopping the slapd (process ${pid}) that a dead process left behind`);
    expect([await processMark(pid), await namesAt(server)]).toEqual([undefined, ['dave', 'erin']]);
  });

  it('is stopped before its folder is removed if the process that started it died, and its folder is kept while that process lives', async () => {
    server = await startOpenLdap({ dataDir: folder });
    const { pid } = server;
    await expect(removeOpenLdap(folder)).rejects.toThrow(`is in use by process ${process.pid}`);
    expect(await namesAt(server)).toEqual(['dave', 'erin']);
    await writeFile(path.join(folder, 'started-by.json'), JSON.stringify({ pid: process.pid, mark: 'another start' }));
    await removeOpenLdap(folder);
    expect(await processMark(pid)).toBeUndefined();
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('can be stopped twice', async () => {
    server = await startOpenLdap({ dataDir: folder });
    const { pid, port } = server;
    await server.stop();
    expect(await processMark(pid)).toBeUndefined();
    await until(async () => !(await connects('127.0.0.1', port)), { what: 'the port is closed' });
    await server.stop();
  });

  it('reports what is wrong with an LDIF change', async () => {
    server = await startOpenLdap({ dataDir: folder });
    await expect(server.modify('data', 'dn: uid=nobody-here,dc=acme,dc=test\nchangetype: delete\n')).rejects.toThrow(/No such object/);
    // The control: the same change of an entry that exists.
    await server.modify('data', 'dn: uid=dave,ou=people,dc=acme,dc=test\nchangetype: delete\n');
  });
});

const connects = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
