/**
 * The oldest supported PostgreSQL of targets and the one that Readmit runs on, each with executors whose sessions write instants that are
 * parsed differently: "IST" of Kolkata, and of a summer in Dublin, is parsed as Israel's.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Ask } from '@readmit/contracts';
import { postgresReleases } from '@readmit/testing';
import { consumer, unsealed } from './consumer.js';
import { first, open, planFrom, query, startTestTarget, valueOf, type Target } from './postgres-target.js';

const role: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const secret: Ask = { id: 'ask-1', kind: 'secret.rotate', connector: 'target-postgres', object: 'payroll' };
const signal = new AbortController().signal;
const job = consumer();
const options = {
  ceiling: { steps: ['role.grant' as const, 'secret.issue' as const], entitlements: ['app_admin'], maxDurationSeconds: 900 },
  durationSeconds: 900,
  overlapSeconds: 600,
  recipients: [job.key],
};
const pairs = [
  ['UTC', 'ISO, MDY'],
  ['Europe/Dublin', 'SQL, DMY'],
  ['Europe/Dublin', 'Postgres, MDY'],
  ['Europe/Dublin', 'German'],
  ['Asia/Jakarta', 'SQL, MDY'],
  ['Pacific/Guam', 'SQL, MDY'],
  ['Asia/Kolkata', 'Postgres, DMY'],
  ['America/Sao_Paulo', 'German'],
] as const;

describe.each(postgresReleases)('PostgreSQL %i', (release) => {
  let target: Target;
  beforeAll(async () => {
    target = await startTestTarget(release);
    expect((await target.admin<{ version: string }>('SHOW server_version_num')).map(Object.values)).toEqual([
      [expect.stringMatching(new RegExp(`^${release}`))],
    ]);
  });
  afterAll(() => target.stop());

  it.each(pairs)('R6.3 ends open sessions for an executor in %s that writes dates as %s', async (zone, style) => {
    await target.admin(`ALTER ROLE readmit_exec SET timezone = '${zone}'; ALTER ROLE readmit_exec SET datestyle = '${style}'`);
    const agreed = planFrom(role, await target.connector.plan(role, options, signal));
    const given = { caseId: 'case_1', plan: agreed };
    await target.connector.execute(first(agreed.steps), { ...given, recipients: [], expiresAt: new Date() }, signal);
    const session = await open(target.erinUrl);
    await session.query('SET ROLE app_admin');
    const undone = await target.connector.undo(first(agreed.obligations), given, signal);
    expect(undone.sessionsEnded).toBe(1);
    await expect(session.query('SELECT * FROM admin_ledger')).rejects.toThrow(/not queryable|terminat/);
  });

  it('R6.5 restores the exact end of a service account’s old login, from every such session', async () => {
    await target.admin("ALTER ROLE payroll_a VALID UNTIL '2033-07-02 03:04:05.678901+00'");
    const until = () => target.admin("SELECT extract(epoch FROM rolvaliduntil)::text AS at FROM pg_roles WHERE rolname = 'payroll_a'");
    const before = await until();
    for (const [at, [zone, style]] of pairs.entries()) {
      await target.admin(`ALTER ROLE readmit_exec SET timezone = '${zone}'; ALTER ROLE readmit_exec SET datestyle = '${style}'`);
      const agreed = planFrom(secret, await target.connector.plan(secret, options, signal));
      const given = { caseId: `case_${at}`, plan: agreed };
      const result = await target.connector.execute(
        first(agreed.steps),
        { ...given, recipients: [job.key], expiresAt: new Date() },
        signal,
      );
      const [left] = await target.admin<{ left: number }>(
        "SELECT extract(epoch FROM rolvaliduntil - now())::int AS left FROM pg_roles WHERE rolname = 'payroll_a'",
      );
      expect(left?.left).toBeGreaterThan(540);
      expect(left?.left).toBeLessThanOrEqual(600);
      const { username, password } = await unsealed(first(result.sealed).jwe, job);
      await expect(query(target.urlOf(username, password), 'SELECT * FROM salary_run')).resolves.toEqual([]);
      const undone = await target.connector.undo(first(agreed.obligations), given, signal);
      expect(await until()).toEqual(before);
      expect(valueOf(undone.readBack, 'payroll/login/payroll_a/valid-until')).toBe('2033-07-02T03:04:05.678901Z');
    }
  });
});
