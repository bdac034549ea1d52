import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import { isTransientSqlError, packed, sqlStateOf, type Store } from '../src/index.js';

/**
 * A store against a real server: what commits, what does not, what is counted, what survives a lost connection.
 * Not proved here: rights (setup.int.spec.ts).
 */
describe('store', () => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    database = await testDatabase();
    store = await database.store('intake');
  });
  afterAll(() => database.drop());

  const members = async (): Promise<string[]> =>
    (await store.query<{ member: string }>('SELECT member FROM member ORDER BY member')).map(({ member }) => member);
  const insert = `INSERT INTO member (group_name, member, topics, lease_until) VALUES ('store', $1, '{}', clock_timestamp())`;

  it('takes packed byte strings and texts apart again, the empty and the largest included', async () => {
    const parts = [
      Buffer.from([0, 255, 92, 34, 128]),
      '',
      'quotes "\\" and žluťoučký 🦄',
      new Uint8Array(),
      Buffer.alloc(1_048_576, 7),
      '{}',
    ];
    const { bytes, starts, lengths } = packed(parts);
    const rows = await store.query<{ part: Buffer }>(
      'SELECT substr($1::bytea, start, length) AS part FROM unnest($2::int[], $3::int[]) WITH ORDINALITY AS r (start, length, place) ORDER BY place',
      [bytes, starts, lengths],
    );
    expect(rows.map(({ part }) => part.toString('hex'))).toEqual(parts.map((part) => Buffer.from(part as string).toString('hex')));
    expect(
      await store.query('SELECT 1 AS one FROM unnest($1::int[]) n WHERE $2::bytea IS NULL', [packed([]).starts, packed([]).bytes]),
    ).toEqual([]);
  });

  it('commits when the work resolves, on the search path of the schema alone', async () => {
    const path = await store.transaction(async (tx) => {
      await tx.query(insert, ['committed']);
      return (await tx.query<{ search_path: string }>('SHOW search_path'))[0]?.search_path;
    });
    expect(path).toBe('intake');
    expect(await members()).toContain('committed');
  });

  it('rolls back when the work throws, and gives the same error on', async () => {
    const error = new Error('the work failed');
    await expect(
      store.transaction(async (tx) => {
        await tx.query(insert, ['rolled-back']);
        throw error;
      }),
    ).rejects.toBe(error);
    expect(await members()).not.toContain('rolled-back');
  });

  it('refuses to commit after a failed statement that the work passed over', async () => {
    await expect(
      store.transaction(async (tx) => {
        await tx.query(insert, ['lost']);
        await tx.query('SELECT 1/0').catch(() => undefined);
      }),
    ).rejects.toThrow('a statement of this transaction failed and the caller continued');
    expect(await members()).not.toContain('lost');
  });

  it('tells what was sent behind a statement that failed why it failed, no matter who listens first', async () => {
    const later = async <R>(asked: Promise<R>): Promise<R> => await (async () => await asked)();
    for (const sql of ['SELECT 1/0', 'SELECT 1']) {
      const outcome = await store
        .transaction((tx) => Promise.all([later(later(tx.query(sql))), tx.query('SELECT 2'), tx.query(insert, [sql])]))
        .catch((error: unknown) => sqlStateOf(error));
      expect(outcome).toEqual(sql === 'SELECT 1/0' ? '22012' : expect.any(Array));
    }
    expect(await members()).not.toContain('SELECT 1/0');
    expect(await members()).toContain('SELECT 1');
  });

  it('refuses a statement after the end of its transaction', async () => {
    const late = await store.transaction(async (tx) => tx);
    await expect(late.query('SELECT 1')).rejects.toThrow('a statement after the end of its transaction');
  });

  it('runs READ COMMITTED with time limits', async () => {
    const settings = await store.transaction((tx) =>
      tx.query<{ name: string; setting: string }>(
        `SELECT name, setting FROM pg_settings WHERE name IN ('transaction_isolation', 'statement_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`,
        [],
      ),
    );
    expect(settings.map(({ setting }) => setting)).toEqual(['30000', '30000', 'read committed']);
  });

  it('counts statements, commits and rollbacks; BEGIN and COMMIT are not statements', async () => {
    const before = { ...store.counters };
    await store.transaction(async (tx) => {
      await tx.query('SELECT 1');
      await tx.query('SELECT $1::int', [2]);
    });
    await store.transaction(() => Promise.reject(new Error('no'))).catch(() => undefined);
    expect(store.counters).toEqual({ statements: before.statements + 2, commits: before.commits + 1, rollbacks: before.rollbacks + 1 });
  });

  it('prepares a statement with parameters once per connection', async () => {
    const prepared = await store.transaction(async (tx) => {
      for (const n of [1, 2, 3]) await tx.query('SELECT $1::int AS prepared_once', [n]);
      return tx.query<{ n: string }>(
        `SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::int AS prepared_once%'`,
      );
    });
    expect(prepared[0]?.n).toBe('1');
  });

  it('survives the loss of its connections: the transaction under way fails as transient, the next one works', async () => {
    const failed = store.transaction(async (tx) => {
      const [row] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await terminate(`pid = ${row?.pid}`);
      await tx.query('SELECT 1');
    });
    expect(isTransientSqlError(await failed.catch((error: unknown) => error))).toBe(true);
    expect(await store.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('tells lasting errors from transient ones', async () => {
    const error = await store.query('SELECT * FROM no_such_table').catch((caught: unknown) => caught);
    expect(sqlStateOf(error)).toBe('42P01');
    expect(isTransientSqlError(error)).toBe(false);
  });

  it('receives notifications, also after its connection was lost', async () => {
    const heard: string[] = [];
    const listening = await store.listen('spec', (payload) => heard.push(payload));
    await store.query(`SELECT pg_notify('spec', 'first')`);
    await until(() => heard.includes('first'), { what: 'the first notification is heard' });
    await terminate(`query LIKE 'LISTEN "spec"%'`);
    await until(() => heard.includes(''), { what: 'the listener reports that it reconnected' });
    await store.query(`SELECT pg_notify('spec', 'second')`);
    await until(() => heard.includes('second'), { what: 'the second notification is heard' });
    await listening.close();
    await store.query(`SELECT pg_notify('spec', 'third')`);
    expect(heard).not.toContain('third');
  });

  /** As the service's own role, which may end its own sessions. */
  async function terminate(which: string): Promise<void> {
    const ended = await store.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND datname = current_database() AND ${which}`,
    );
    expect(ended).toHaveLength(1);
  }
});
