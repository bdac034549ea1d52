/** What can block the writer of the log: only another writer of audit. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sqlStateOf, type Store, type Tx } from '@readmit/store';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import { lockHead, lockLog } from '../src/outbound/log-store.js';

let database: TestDatabase;
let audit: Store;
let intake: Store;
beforeEach(async () => {
  database = await testDatabase();
  audit = await database.store('audit');
  intake = await database.store('intake');
});
afterEach(async () => database.drop());

/** Runs `work` in a transaction that stays open until `end` is called. */
async function held(store: Store, work: (tx: Tx) => Promise<unknown>): Promise<{ readonly end: () => Promise<void> }> {
  let letGo = (): void => {};
  const waiting = new Promise<void>((resolve) => (letGo = resolve));
  let begun = (): void => {};
  const started = new Promise<void>((resolve) => (begun = resolve));
  const whole = store.transaction(async (tx) => {
    await work(tx);
    begun();
    await waiting;
  });
  await Promise.race([started, whole]);
  return {
    end: async () => {
      letGo();
      await whole;
    },
  };
}
/** Sessions of audit's role that wait for any lock. */
const auditWaits = async (): Promise<number> =>
  (
    await audit.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = current_user AND datname = current_database() AND wait_event_type = 'Lock'`,
    )
  )[0]?.n ?? 0;

describe("the writer's lock", () => {
  it('R7.3 R8.1 no advisory lock of another role, whatever its number, blocks the log', async () => {
    // Numbers that a writer with an advisory lock might use: an arbitrary one, or a hash of its name.
    const other = await held(intake, async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(n) FROM unnest($1::bigint[]) n', [[7_311_301, 0, 1, -1]]);
      await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest($1::text[]) name`, [
        ['writer', 'audit', 'audit.writer'],
      ]);
    });
    try {
      const locks = await audit.transaction(async (tx) => {
        await tx.query(`SET LOCAL lock_timeout = '5s'`);
        await lockHead(tx, [], []);
        return tx.query<{ locktype: string }>(
          `SELECT DISTINCT locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'`,
        );
      });
      expect(locks).toEqual([]);
    } finally {
      await other.end();
    }
  });

  it('R7.3 R8.1 another role cannot lock the row itself; the control is audit', async () => {
    for (const sql of ['SELECT one FROM audit.writer FOR UPDATE', 'LOCK TABLE audit.writer', 'UPDATE audit.writer SET one = one']) {
      const refused: unknown = await intake.transaction((tx) => tx.query(sql)).catch((error: unknown) => error);
      expect([sql, sqlStateOf(refused)]).toEqual([sql, '42501']);
    }
    expect(await audit.query('SELECT one FROM audit.writer FOR UPDATE')).toEqual([{ one: true }]);
  });

  it('two writers exclude each other: the second sees what the first has committed', async () => {
    const append = (tx: Tx): Promise<unknown> =>
      tx.query(`INSERT INTO checkpoint (size, root, frontier, note, at) VALUES (1, decode(repeat('00', 32), 'hex'), '', 'first', now())`);
    const first = await held(audit, async (tx) => {
      await lockHead(tx, [], []);
      await append(tx);
    });
    let seen: number | undefined;
    const second = audit.transaction(async (tx) => {
      seen = (await lockHead(tx, [], [])).size;
    });
    await until(async () => (await auditWaits()) === 1, { what: 'the second writer waits' });
    expect(seen).toBeUndefined();
    await first.end();
    await second;
    expect(seen).toBe(1);
  });

  it('without the row nothing is written, and the error tells what to do', async () => {
    await audit.transaction(lockLog);
    await audit.query('DELETE FROM writer');
    await expect(audit.transaction(lockLog)).rejects.toThrow('nothing is recorded without it. Insert it again');
    await audit.query('INSERT INTO writer DEFAULT VALUES');
    await audit.transaction(lockLog);
    const twice: unknown = await audit.query('INSERT INTO writer DEFAULT VALUES').catch((error: unknown) => error);
    expect(sqlStateOf(twice)).toBe('23505');
  });
});
