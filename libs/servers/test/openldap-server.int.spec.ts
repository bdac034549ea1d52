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

describe('an OpenLDAP of our own', () => {
  it('has the directory of the LDIF files, listens on loopback alone and keeps its files to the owner', async () => {
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

  it('keeps what was written over a restart, a crash and another start, on its port', async () => {
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

  it('is refused to a second starter, and what a dead starter left behind is stopped', async () => {
    server = await startOpenLdap({ dataDir: folder });
    const { pid } = server;
    await expect(startOpenLdap({ dataDir: folder })).rejects.toThrow(`is in use by process ${process.pid}`);
    expect(await namesAt(server)).toEqual(['dave', 'erin']);
    // As if the starter were another process, which is dead.
    await writeFile(path.join(folder, 'started-by.json'), JSON.stringify({ pid: process.pid, mark: 'another start' }));
    const log: string[] = [];
    server = await startOpenLdap({ dataDir: folder, log: (line) => log.push(line) });
    expect(log).toContain(`stopping the slapd (process ${pid}) that a dead process left behind`);
    expect([await processMark(pid), await namesAt(server)]).toEqual([undefined, ['dave', 'erin']]);
  });

  it('stops for good, and again without harm', async () => {
    server = await startOpenLdap({ dataDir: folder });
    const { pid, port } = server;
    await server.stop();
    expect(await processMark(pid)).toBeUndefined();
    await until(async () => !(await connects('127.0.0.1', port)), { what: 'nobody listens on the port' });
    await server.stop();
  });

  it('says which LDIF is wrong, and with what', async () => {
    server = await startOpenLdap({ dataDir: folder });
    await expect(server.modify('data', 'dn: uid=nobody-here,dc=acme,dc=test\nchangetype: delete\n')).rejects.toThrow(/No such object/);
    // The control: the same change of an entry that is there.
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
