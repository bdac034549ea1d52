/**
 * Frequent statements find their rows by an index: the services work on tables with many rows, and PostgreSQL's own counters show that
 * there was no sequential scan. Unlike EXPLAIN of a copied statement, this includes statements inside functions and the plans that were
 * really used. A control shows that the counters count.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { queueFigures } from '@readmit/runtime';
import type { Draft } from '@readmit/contracts';
import { draft } from '@readmit/domain';
import { schemaOf } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import { Ledger } from '../../apps/intake/src/outbound/ledger.js';
import { draftOf, openServices, type Services } from './services.js';

const many = 20_000;
let system: Services;
let owner: pg.Client;
beforeEach(async () => {
  system = await openServices();
  owner = new pg.Client({ connectionString: system.database.ownerUrl });
  await owner.connect();
});
afterEach(async () => {
  await owner.end();
  await system.close();
});

/** Old cases of the service: closed, their work done, and their events on the topics of the others before the position. */
async function fill(service: 'intake' | 'execution' | 'revocation-scheduler'): Promise<void> {
  const schema = `"${schemaOf(service)}"`;
  await owner.query(`INSERT INTO ${schema}.aggregate (key, version) SELECT 'old-' || n, 3 FROM generate_series(1, ${many}) n`);
  await owner.query(
    `INSERT INTO ${schema}.aggregate (key, version, wake_at) SELECT 'later-' || n, 1, now() + interval '1 day' FROM generate_series(1, ${many}) n`,
  );
  await owner.query(
    `INSERT INTO ${schema}.fact (key, id, type, at, data) SELECT 'old-' || n, 'event-' || n, 'readmit.case.opened', '2026', '{}' FROM generate_series(1, ${many}) n`,
  );
  await owner.query(
    `INSERT INTO ${schema}.work (id, key, kind, connector, object, also_keys, input, not_before, state)
     SELECT 'old-' || n || '/x', 'old-' || n, 'notice', 'mailbox', 'old-' || n, '{}', '{}', now(), 'done' FROM generate_series(1, ${many}) n`,
  );
  await owner.query(
    `INSERT INTO ${schema}.work (id, key, kind, connector, object, also_keys, input, not_before)
     SELECT 'later-' || n || '/x', 'later-' || n, 'notice', 'mailbox', 'later-' || n, '{}', '{}', now() + interval '1 day' FROM generate_series(1, ${many}) n`,
  );
  for (const producer of ['approval', 'classification', 'execution', 'revocation_scheduler', 'intake']) {
    await owner.query(
      `INSERT INTO bus.readmit_${producer}_v1 (partition, "offset", key, headers, value)
       SELECT p, n, 'old', '{}', 'x' FROM generate_series(0, 3) p, generate_series(0, ${many / 4 - 1}) n`,
    );
    await owner.query(`UPDATE bus.readmit_${producer}_v1_head SET next_offset = ${many / 4}`);
    await owner.query(
      `INSERT INTO ${schema}.position (group_name, topic, partition, next_offset)
       SELECT $1, $2, p, ${many / 4} FROM generate_series(0, 3) p`,
      [service, `readmit.${producer.replace('_', '-')}.v1`],
    );
  }
  if (service === 'intake')
    await owner.query(
      `INSERT INTO ${schema}.case_ledger (case_id, version, state, subject, opened_at, view)
       SELECT 'old-' || n, 3, 'closed', 'person-' || n % 500, now() - n * interval '1 minute', '{}' FROM generate_series(1, ${many}) n`,
    );
  await owner.query('ANALYZE');
}

/** Tables with many rows that had sequential scans since the reset, with their number. Counters of a session arrive when it ends or is idle. */
async function sequentialScans(): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT schemaname || '.' || relname || ' ' || seq_scan AS name FROM pg_stat_user_tables WHERE seq_scan > 0 AND n_live_tup > 1000 ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
/** Resets the counters, so that filling the tables does not count. */
async function resetCounters(): Promise<void> {
  await owner.end();
  owner = new pg.Client({ connectionString: system.database.ownerUrl });
  await owner.connect();
  await endOtherSessions();
  await owner.query('SELECT pg_stat_reset()');
  // The reset also clears the numbers of rows.
  await owner.query('ANALYZE');
}
/** Entries read from the indexes of what is due: a query for what is due now must not read what is due tomorrow. */
async function dueEntriesRead(): Promise<number> {
  const { rows } = await owner.query<{ read: string }>(
    `SELECT coalesce(sum(idx_tup_read), 0) AS read FROM pg_stat_user_indexes WHERE indexrelname IN ('aggregate_to_wake', 'work_due')`,
  );
  return Number(rows[0]?.read);
}
const expectIndexUse = async (): Promise<void> => {
  expect(await sequentialScans()).toEqual([]);
  expect(await dueEntriesRead()).toBeLessThan(many / 4);
};

const cases = Array.from({ length: 20 }, (_, index) => `case-${index}`);
const all = (type: Parameters<typeof draftOf>[0]): Draft[] => cases.map((caseId) => draftOf(type, caseId));
const denied = cases.map((caseId) => draft('readmit.approval.denied', caseId, { caseId, decisionId: 'decision-1', by: 'chidi' }));

/** Ends the other sessions, so that the counters include them: a session reports after being idle for a second, or when it ends. */
const endOtherSessions = async (): Promise<void> => {
  const { rows } = await owner.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );
  // Only those that did the work: a listener opens a new session after it lost one.
  const pids = rows.map(({ pid }) => pid);
  await owner.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS p(pid)', [pids]);
  await until(async () => (await owner.query('SELECT 1 FROM pg_stat_activity WHERE pid = ANY($1::int[])', [pids])).rowCount === 0, {
    what: 'the sessions of the services have ended',
  });
};

describe('there is no sequential scan', () => {
  it('when intake consumes events, sends notices and lists its ledger; control: a query without an index is counted', async () => {
    await fill('intake');
    await resetCounters();
    const engine = await system.engine('intake');
    await engine.start();
    for (const opened of all('readmit.case.opened'))
      await engine.command({ key: opened.key, name: 'open', actor: 'anonymous' }, () => ({ emit: [opened], reply: {} }));
    await system.publish(denied);
    const store = await system.store('intake');
    const sent = `SELECT count(*)::int AS n FROM fact WHERE key = ANY ($1) AND type = 'readmit.notice.sent'`;
    await until(async () => (await store.query<{ n: number }>(sent, [cases]))[0]?.n === cases.length * 2, {
      what: 'every notice is sent',
    });
    const ledger = new Ledger(store);
    expect(await ledger.list({ limit: 50 })).toHaveLength(50);
    expect(await ledger.list({ limit: 10, before: 'old-777' })).toHaveLength(10);
    expect(await ledger.list({ limit: 10, subject: 'person-7' })).toHaveLength(10);
    expect(await ledger.list({ limit: 10, state: 'closed' })).toHaveLength(10);
    expect(await ledger.list({ limit: 10, state: 'open' })).toEqual([]);
    expect(await ledger.list({ limit: 10, state: 'open', subject: 'person-7' })).toEqual([]);
    await engine.stop();
    await endOtherSessions();
    await expectIndexUse();

    await owner.query(`SELECT count(*) FROM intake.case_ledger WHERE view ->> 'ticket' = 'T-1'`);
    await owner.query('SELECT pg_stat_force_next_flush()');
    expect(await sequentialScans()).toEqual(['intake.case_ledger 1']);
  });

  it('when execution consumes events, looks for work and counts its figures', async () => {
    await fill('execution');
    await resetCounters();
    const engine = await system.engine('execution');
    await engine.start();
    await system.publish([...all('readmit.case.opened'), ...all('readmit.case.classified'), ...all('readmit.people.attested')]);
    const store = await system.store('execution');
    // There is no connector with that name, so the plan is refused.
    const refused = `SELECT count(*)::int AS n FROM fact WHERE key = ANY ($1) AND type = 'readmit.plan.refused'`;
    await until(async () => (await store.query<{ n: number }>(refused, [cases]))[0]?.n === cases.length, {
      what: 'the plan of every case is refused',
    });
    expect(await queueFigures(store)).toMatchObject({ workDue: 0, parked: {} });
    await engine.stop();
    await endOtherSessions();
    await expectIndexUse();
  });

  it('when the scheduler records obligations and wakes', async () => {
    await fill('revocation-scheduler');
    await owner.query(
      `UPDATE "${schemaOf('revocation-scheduler')}".aggregate SET wake_at = now() WHERE key IN (SELECT 'later-' || n FROM generate_series(1, 40) n)`,
    );
    await resetCounters();
    const engine = await system.engine('revocation-scheduler');
    await engine.start();
    await system.publish(all('readmit.approval.granted'));
    const store = await system.store('revocation-scheduler');
    const due = 'SELECT 1 FROM aggregate WHERE wake_at <= statement_timestamp() LIMIT 1';
    await until(async () => (await store.query(due)).length === 0, { what: 'nothing is due any more' });
    await until(() => engine.counters.messages >= cases.length, { what: 'every grant is consumed' });
    await engine.stop();
    await endOtherSessions();
    await expectIndexUse();
  });
});
