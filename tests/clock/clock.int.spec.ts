/** Ends of grants while the clock of the database jumps, over both switches of daylight-saving time, and after a week in which nothing ran. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { busSchema, tablesOfTopic } from '@readmit/store';
import { topicOf } from '@readmit/contracts';
import { testDatabase, until } from '@readmit/testing';
import pg from 'pg';
import { MovedClock } from './moved-clock.js';
import { RunningScheduler } from '../../apps/revocation-scheduler/test/running-scheduler.js';

const hour = 3_600;
const day = 24 * hour;
let scheduler: RunningScheduler | undefined;
afterEach(async () => {
  await scheduler?.close();
  scheduler = undefined;
});

/** A grant of the case that began now, by the database's clock, and its end after so many seconds. */
async function grant(at: RunningScheduler, caseId: string, afterSeconds: number): Promise<number> {
  const [row] = await at.store.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const now = row?.now ?? new Date(Number.NaN);
  const undo = {
    id: `${caseId}/role`,
    kind: 'role.revoke',
    connector: 'target-postgres',
    object: 'erin',
    armedBy: 'start',
    unlessTakenOver: false,
    afterSeconds,
    says: 'Take the role back.',
  };
  const hardBound = new Date(now.getTime() + afterSeconds * 1000).toISOString();
  await at.insert(caseId, now.toISOString(), [
    ['readmit.obligation.recorded', { caseId, obligationId: undo.id, grantId: 'grant_1', undo, hardBound }],
    ['readmit.execution.started', { caseId, executionId: 'x', planDigest: 'p', grantId: 'grant_1', endsAt: hardBound, holds: [] }],
  ]);
  return now.getTime();
}
/** Cases whose end was asked for, in the order in which that was written, each as often as it was. */
const ended = async (at: RunningScheduler): Promise<string[]> => {
  const rows = await at.store.query<{ key: string }>(`SELECT key FROM fact WHERE type = 'readmit.revocation.due' ORDER BY at, key`);
  return rows.map(({ key }) => key);
};
/** Instants at which the scheduler will look at cases again, in seconds after `since`. */
const waits = async (at: RunningScheduler, since: number): Promise<Record<string, number>> => {
  const rows = await at.store.query<{ key: string; at: Date }>('SELECT key, wake_at AS at FROM aggregate WHERE wake_at IS NOT NULL');
  return Object.fromEntries(rows.map((row) => [row.key, Math.round((row.at.getTime() - since) / 1000)]));
};
const settled = (at: RunningScheduler): Promise<unknown> =>
  until(async () => (await at.store.query('SELECT 1 FROM aggregate WHERE wake_at <= clock_timestamp()')).length === 0, {
    what: 'nothing is due',
  });

describe('the end of a grant', () => {
  let clock: MovedClock;
  beforeAll(async () => {
    clock = await MovedClock.start({ timezone: 'Europe/Berlin' });
  });
  afterAll(() => clock?.stop());

  it('R6.1 comes when the clock jumps a day ahead, the earliest first, and is not taken back when it jumps back', async () => {
    scheduler = await RunningScheduler.open(clock);
    await scheduler.engine.start();
    const since = await grant(scheduler, 'case_2', 2 * hour);
    await grant(scheduler, 'case_1', hour);
    await grant(scheduler, 'case_25', 25 * hour);
    await settled(scheduler);
    expect(await ended(scheduler)).toEqual([]);

    await clock.move(day);
    await until(async () => ended(scheduler as RunningScheduler).then(({ length }) => length === 2), { what: 'two have ended' });
    await settled(scheduler);
    expect(await ended(scheduler)).toEqual(['case_1', 'case_2']);

    // An hour back: what has ended stays so and is not asked for again; the others keep their instant.
    await clock.move(day - hour);
    await grant(scheduler, 'case_now', 0);
    await until(async () => ended(scheduler as RunningScheduler).then((found) => found.includes('case_now')), { what: 'a new one ends' });
    expect([...(await ended(scheduler))].sort()).toEqual(['case_1', 'case_2', 'case_now']);
    const waiting = await waits(scheduler, since);
    expect(waiting['case_25']).toBe(25 * hour);

    await clock.move(25 * hour + 60);
    await until(async () => ended(scheduler as RunningScheduler).then((found) => found.includes('case_25')), { what: 'the third ends' });
    expect([...(await ended(scheduler))].sort()).toEqual(['case_1', 'case_2', 'case_25', 'case_now']);
  });

  it.each([
    ['spring', '2026-03-29T00:30:00Z'],
    ['autumn', '2026-10-25T00:30:00Z'],
  ])('R6.1 comes after as many seconds as were granted where the clocks change in %s', async (_, night) => {
    scheduler = await RunningScheduler.open(clock);
    const offset = Math.round((Date.parse(night) - Date.now()) / 1000);
    await clock.move(offset);
    await scheduler.engine.start();
    const since = await grant(scheduler, 'case_1', 3 * hour);
    const sinceDay = await grant(scheduler, 'case_2', day);
    await settled(scheduler);
    expect((await waits(scheduler, since))['case_1']).toBe(3 * hour);
    expect((await waits(scheduler, sinceDay))['case_2']).toBe(day);
    await clock.move(offset + 2 * hour);
    await grant(scheduler, 'case_now', 0);
    await until(async () => ended(scheduler as RunningScheduler).then((found) => found.includes('case_now')), { what: 'a new one ends' });
    expect(await ended(scheduler)).toEqual(['case_now']);
    await clock.move(offset + 3 * hour);
    await until(async () => ended(scheduler as RunningScheduler).then((found) => found.includes('case_1')), { what: 'it ends' });
    expect(await ended(scheduler)).toEqual(['case_now', 'case_1']);
  });
});

describe('after a week in which nothing ran', () => {
  it('R6.1 R6.2 50,000 ends that are due are asked for in batches, the oldest first, and none twice', async () => {
    const database = await testDatabase();
    scheduler = await RunningScheduler.open(database);
    const { engine, store } = scheduler;
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    const count = 50_000;
    // One every twelve seconds of the week; the last is in the future and is the control.
    await owner.query(
      `INSERT INTO revocation_scheduler.aggregate (key, version, wake_at)
       SELECT 'case_' || n, 1, clock_timestamp() - interval '7 days' + n * interval '12 seconds' FROM generate_series(1, $1) n
       UNION ALL SELECT 'case_later', 1, clock_timestamp()`,
      [count],
    );
    await owner.query(
      `INSERT INTO revocation_scheduler.fact (key, id, type, at, data)
       SELECT a.key, gen_random_uuid()::text, 'readmit.obligation.recorded', a.wake_at, jsonb_build_object(
         'caseId', a.key, 'obligationId', a.key || '/role', 'grantId', 'grant_1',
         'hardBound', to_char((CASE a.key WHEN 'case_later' THEN a.wake_at + interval '1 day' ELSE a.wake_at END) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'undo', jsonb_build_object('id', a.key || '/role', 'kind', 'role.revoke', 'connector', 'target-postgres', 'object', 'erin',
           'armedBy', 'start', 'unlessTakenOver', false, 'afterSeconds', 60, 'says', 'Take the role back.'))
       FROM revocation_scheduler.aggregate a`,
    );
    await owner.query('ANALYZE revocation_scheduler.aggregate, revocation_scheduler.fact');
    await engine.start();
    const due = `SELECT count(*)::int AS n, count(DISTINCT key)::int AS keys FROM revocation_scheduler.fact WHERE type = 'readmit.revocation.due'`;
    const asked = async () => (await owner.query<{ n: number; keys: number }>(due)).rows[0];
    await until(async () => ((await asked())?.n ?? 0) >= count, { what: 'all are asked for', timeoutMs: 280_000 });
    await settled(scheduler);
    await engine.stop();
    expect(await asked()).toEqual({ n: count, keys: count });
    // 500 a transaction, and one or two more for what was due before the first search and for the control.
    expect(engine.counters.batches + engine.counters.commits).toBeLessThan(2 * (count / 500) + 20);
    // And a few more the longer it takes: leases are kept, and positions.
    expect(engine.counters.statements).toBeLessThan(8 * (count / 500) + 300);
    const { rows } = await owner.query<{ disorder: number }>(
      `SELECT count(*)::int AS disorder FROM (
         SELECT at, max(at) OVER (ORDER BY substr(key, 6)::int ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
         FROM revocation_scheduler.fact WHERE type = 'readmit.revocation.due') o WHERE at < before`,
    );
    expect(rows).toEqual([{ disorder: 0 }]);
    const log = `${busSchema}.${tablesOfTopic(topicOf('revocation-scheduler')).log}`;
    expect((await owner.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${log}`)).rows).toEqual([{ n: count }]);
    expect(await store.query(`SELECT key FROM aggregate WHERE wake_at > clock_timestamp() + interval '1 hour'`)).toEqual([
      { key: 'case_later' },
    ]);
    await owner.end();
  });
});
