import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { fixedIds, postgresReleases, startPostgresRelease, testDatabase, until } from '../src/index.js';

describe('test harness', () => {
  it('gives each spec its own database, and removes it', async () => {
    const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
    const [a, b] = [await one.store('audit'), await other.store('audit')];
    await a.query(`INSERT INTO member (group_name, member, topics, lease_until) VALUES ('g', 'm', '{}', now())`);
    expect(await a.query('SELECT member FROM member')).toHaveLength(1);
    expect(await b.query('SELECT member FROM member')).toHaveLength(0);
    const name = new URL(one.ownerUrl).pathname.slice(1);
    const known = (): Promise<unknown[]> => b.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    expect(await known()).toHaveLength(1);
    await one.drop();
    expect(await known()).toHaveLength(0);
    await other.drop();
  });

  it('waits until a condition holds, and reports what it waited for', async () => {
    let asked = 0;
    expect(await until(() => (++asked > 2 ? 'there' : undefined), { what: 'it is there' })).toBe('there');
    await expect(until(() => false, { what: 'pigs fly', timeoutMs: 20 })).rejects.toThrow('timed out after 20 ms waiting until pigs fly');
  });

  it.each(postgresReleases)('starts a PostgreSQL %i', async (release) => {
    const server = await startPostgresRelease(release);
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    await client.end();
    await server.remove();
    expect(rows[0]?.server_version).toMatch(new RegExp(`^${release}\\.`));
  });

  it('counts ids per prefix, the same in each run', () => {
    const ids = fixedIds();
    expect([ids.newId('plan'), ids.newId('plan'), ids.newId('grant'), ids.uuid(), ids.uuid()]).toEqual([
      'plan_0001',
      'plan_0002',
      'grant_0001',
      '01900000-0000-7000-8000-000000000001',
      '01900000-0000-7000-8000-000000000002',
    ]);
  });
});
