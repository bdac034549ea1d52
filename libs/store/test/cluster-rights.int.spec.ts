/** What a service's role may take of the whole server: so many connections, and no other database. On a server of its own, as roles belong to it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { services } from '@readmit/contracts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { connectionsPerRole, openStore, setup } from '../src/index.js';
import { startPostgres, type PostgresServer } from '@readmit/servers';

describe('a server of our own', () => {
  let folder: string;
  let server: PostgresServer;
  const clients: pg.Client[] = [];
  const connect = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  };
  const prepare = (options: { readonly connections?: number } = {}) =>
    setup({ ownerUrl: server.url, secretsDir: path.join(folder, 'secrets'), database: 'readmit', ...options });
  const inDatabase = (url: string, database: string): string => Object.assign(new URL(url), { pathname: `/${database}` }).href;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-rights-'));
    server = await startPostgres({ dataDir: path.join(folder, 'server'), durable: false });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('R8.1 one role takes its share of the connections and no more, and execution still gets its own', async () => {
    const { urls, notices } = await prepare();
    expect(notices).toEqual([]);
    for (let n = 0; n < connectionsPerRole; n++) await connect(urls.intake);
    await expect(connect(urls.intake)).rejects.toMatchObject({ code: '53300', message: 'too many connections for role "readmit_intake"' });
    // Everybody else at their limits as well, and still there is room for the last.
    for (const service of services.filter((one) => one !== 'intake' && one !== 'execution'))
      for (let n = 0; n < connectionsPerRole; n++) await connect(urls[service]);
    const execution = await openStore({ url: urls.execution, schema: 'execution', applicationName: 'spec' });
    expect(await Promise.all(Array.from({ length: 8 }, () => execution.query('SELECT 1 AS one')))).toHaveLength(8);
    await execution.close();
    // A role that is at its limit has the right password: nothing is changed.
    expect((await prepare()).changes).toEqual([]);
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });

  it('a limit of the operator stays and is told when it is small, and another one can be asked for', async () => {
    await prepare();
    const owner = await connect(server.url);
    const limit = async () =>
      (await owner.query<{ most: number }>(`SELECT rolconnlimit AS most FROM pg_roles WHERE rolname = 'readmit_intake'`)).rows[0]?.most;
    await owner.query('ALTER ROLE readmit_intake CONNECTION LIMIT 7');
    expect(await prepare()).toMatchObject({
      changes: [],
      notices: [
        'Connection limits below what two processes of a service need (24): readmit_intake (7). Unless that is intended, set up with --connections 24.',
      ],
    });
    expect(await limit()).toBe(7);
    const { notices } = await prepare({ connections: 40 });
    expect(await limit()).toBe(40);
    expect(notices).toEqual([
      expect.stringMatching(/may open 240 connections in total, the server allows 197: .* ALTER SYSTEM SET max_connections = 260/),
    ]);
    expect((await prepare({ connections: connectionsPerRole })).notices).toEqual([]);
    expect((await prepare()).notices).toEqual([]);
  });

  it.each(['postgres', 'template1'])(
    'R8.1 no role of a service connects to the database %s, while its own is open to it',
    async (database) => {
      const { urls } = await prepare();
      await expect(connect(inDatabase(urls.intake, database))).rejects.toMatchObject({ code: '42501' });
      await connect(urls.intake);
    },
  );

  it("names another application's database that is open to everybody, and leaves it as it is", async () => {
    const owner = await connect(server.url);
    await owner.query('CREATE DATABASE theirs');
    const { changes, notices } = await prepare();
    expect(changes).toEqual([]);
    expect(notices).toEqual([
      'PUBLIC, and so every role of the services, may connect to theirs. If nobody needs that: REVOKE CONNECT, TEMPORARY ON DATABASE "theirs" FROM PUBLIC.',
    ]);
    await owner.query('REVOKE CONNECT, TEMPORARY ON DATABASE theirs FROM PUBLIC');
    expect((await prepare()).notices).toEqual([]);
  });

  it('takes a password of any characters from its file, once', async () => {
    await writeFile(path.join(folder, 'secrets', 'readmit_intake.password'), 'a%41@:/?#&"<>{} long enough\n', { mode: 0o600 });
    expect((await prepare()).changes).toEqual(['set the password of the role readmit_intake']);
    const { changes, urls } = await prepare();
    expect(changes).toEqual([]);
    await connect(urls.intake);
  });
});
