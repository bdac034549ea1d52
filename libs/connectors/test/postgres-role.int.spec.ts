/**
 * A role restored to Erin at a real PostgreSQL, checked by logging in as Erin and reading what only the role may read. Not here: a crash of
 * the target during COMMIT.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { PlanParts } from '@readmit/domain';
import type { Ask, Plan, Step, Undo } from '@readmit/contracts';
import { first, oidOf, open, planFrom, query, startTestTarget, type Target } from './postgres-target.js';

const ask: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'erin', entitlement: 'app_admin' };
const ceiling = { steps: ['role.grant' as const], entitlements: ['app_admin', 'auditors', 'payroll', 'nobody'], maxDurationSeconds: 3600 };
const signal = new AbortController().signal;
let target: Target;
const plan = (of: Ask = ask): Promise<PlanParts> =>
  target.connector.plan(of, { ceiling, durationSeconds: 900, overlapSeconds: 0, recipients: [] }, signal);
const execute = (with_: Plan, step: Step = first(with_.steps)) =>
  target.connector.execute(step, { caseId: 'case_1', recipients: [], expiresAt: new Date(), plan: with_ }, signal);
const undo = (with_: Plan, obligation: Undo = first(with_.obligations)) =>
  target.connector.undo(obligation, { caseId: 'case_1', plan: with_ }, signal);
const readLedger = (): Promise<unknown> => query(target.erinUrl, 'SELECT * FROM admin_ledger');
/** All facets, of which this executor's own grant changes only one. */
const facets = (holding: string, roles: string) => [
  { name: 'erin/login', value: 'can-login' },
  { name: 'erin/login/oid', value: oids.erin },
  { name: 'erin/attributes', value: 'none' },
  { name: 'erin/roles', value: roles },
  { name: 'erin/members', value: 'none' },
  { name: 'erin/role/app_admin', value: holding },
  { name: 'erin/role/app_admin/oid', value: oids.app_admin },
  { name: 'erin/role/app_admin/reach', value: 'app_admin' },
];
let oids: { erin: string; app_admin: string; readmit_exec: string };

beforeAll(async () => {
  target = await startTestTarget();
  oids = {
    erin: await oidOf(target, 'erin'),
    app_admin: await oidOf(target, 'app_admin'),
    readmit_exec: await oidOf(target, 'readmit_exec'),
  };
});
afterAll(() => target.stop());
afterEach(async () => {
  await target.admin(
    'REVOKE app_admin FROM erin GRANTED BY readmit_exec; REVOKE app_admin FROM erin; REVOKE auditors FROM erin; REVOKE app_admin FROM auditors',
  );
});

describe('role.restore', () => {
  it('R6.3 grants Erin the role, revokes it, and has ended her open session by then', async () => {
    const parts = await plan();
    expect(parts.before).toEqual(facets('absent', 'app_reader'));
    expect(parts.untouched).toEqual(['erin keeps app_reader']);
    expect(parts.obligations).toMatchObject([
      { kind: 'role.revoke', object: 'erin', entitlement: 'app_admin', armedBy: 'start', unlessTakenOver: false, afterSeconds: 900 },
    ]);
    const agreed = planFrom(ask, parts);
    await expect(readLedger()).rejects.toMatchObject({ code: '42501' });

    expect((await execute(agreed)).after).toEqual(facets('granted-by-us', 'app_reader'));
    const session = await open(target.erinUrl);
    await session.query('SET ROLE app_admin');
    await expect(session.query('SELECT * FROM admin_ledger')).resolves.toBeDefined();
    expect(
      await target.admin("SELECT admin_option FROM pg_auth_members WHERE member = 'erin'::regrole AND roleid = 'app_admin'::regrole"),
    ).toEqual([{ admin_option: false }]);

    expect(await undo(agreed)).toEqual({ readBack: facets('absent', 'app_reader'), sessionsEnded: 1 });
    await expect(session.query('SELECT 1')).rejects.toThrow(/not queryable|terminat/);
    expect(await target.admin("SELECT pid FROM pg_stat_activity WHERE usename = 'erin'")).toEqual([]);
    await expect(readLedger()).rejects.toMatchObject({ code: '42501' });
    await expect(query(target.erinUrl, 'SELECT 1')).resolves.toHaveLength(1);
    expect(await target.connector.read(ask, signal)).toEqual(parts.before);
  });

  it('R6.3 ends an open session of Erin with 57P01 when the role ends', async () => {
    const agreed = planFrom(ask, await plan());
    await execute(agreed);
    const session = await open(target.erinUrl);
    const told = new Promise<unknown>((resolve) => session.once('error', resolve));
    await undo(agreed);
    expect(await told).toMatchObject({ code: '57P01' });
  });

  it('R5.5 ends sessions when it is called again after a crash between revoking and ending them', async () => {
    const agreed = planFrom(ask, await plan());
    await execute(agreed);
    const session = await open(target.erinUrl);
    await session.query('SET ROLE app_admin');
    await target.admin('REVOKE app_admin FROM erin GRANTED BY readmit_exec');
    expect(await undo(agreed)).toMatchObject({ sessionsEnded: 1 });
    await expect(session.query('SELECT * FROM admin_ledger')).rejects.toThrow(/not queryable|terminat/);
  });

  it('R6.5 plans nothing for a role that the login has already, and never removes it', async () => {
    const absent = planFrom(ask, await plan());
    await target.admin('GRANT app_admin TO erin');
    const parts = await plan();
    expect(parts).toMatchObject({ steps: [], obligations: [], before: facets('standing', 'app_admin,app_reader') });
    // The steps of another plan with the prior state of this one: even then nothing is granted or revoked.
    const standing: Plan = { ...absent, before: { ...absent.before, facets: [...parts.before] } };
    await execute(standing);
    const session = await open(target.erinUrl);
    expect(await undo(standing)).toEqual({ readBack: facets('standing', 'app_admin,app_reader'), sessionsEnded: 0 });
    await expect(session.query('SELECT * FROM admin_ledger')).resolves.toBeDefined();
    await session.end();
  });

  it('R6.5 revokes only its own grant if someone else granted the role meanwhile', async () => {
    const agreed = planFrom(ask, await plan());
    await execute(agreed);
    await target.admin('GRANT app_admin TO erin');
    expect((await undo(agreed)).readBack).toEqual(facets('standing', 'app_admin,app_reader'));
    expect(
      await target.admin(
        "SELECT grantor::regrole::text FROM pg_auth_members WHERE member = 'erin'::regrole AND roleid = 'app_admin'::regrole",
      ),
    ).toEqual([{ grantor: 'postgres' }]);
  });

  it('R2.5 refuses to grant if someone else has granted the role since the plan', async () => {
    const agreed = planFrom(ask, await plan());
    await target.admin('GRANT app_admin TO erin');
    await expect(execute(agreed)).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    await target.admin('REVOKE app_admin FROM erin');
    await expect(execute(agreed)).resolves.toBeDefined();
  });

  it('R2.2 shows that the role is held through another role, and plans nothing', async () => {
    await target.admin('GRANT app_admin TO auditors; GRANT auditors TO erin');
    expect(await plan()).toMatchObject({ steps: [], before: facets('through-another-role', 'app_reader,auditors') });
  });

  it.each([
    [{ ...ask, object: 'mallory' }, 'not-found', /login mallory does not exist/],
    [{ ...ask, entitlement: 'nobody' }, 'not-found', /role nobody does not exist/],
    [{ ...ask, entitlement: 'auditors' }, 'refused', /may not grant auditors/],
    [{ ...ask, entitlement: 'payroll' }, 'unsupported', /belongs to a service account/],
    [{ ...ask, object: 'readmit_exec' }, 'refused', /executor's own login/],
    [{ ...ask, object: 'postgres' }, 'refused', /superuser/],
    [{ ...ask, entitlement: 'app_reader' }, 'refused', /ceiling/],
    [{ ...ask, kind: 'group.restore' as const }, 'unsupported', /does not support group.restore/],
  ])('refuses a plan for %j with %s', async (of, code, says) => {
    await expect(plan(of)).rejects.toMatchObject({ code, effect: 'none', message: expect.stringMatching(says) });
    await expect(plan()).resolves.toBeDefined();
  });
});

describe('the executor', () => {
  it('may grant the role and end sessions, but not use the role, create a superuser or read passwords', async () => {
    for (const sql of [
      'SELECT * FROM admin_ledger',
      'SET ROLE app_admin',
      'SELECT * FROM pg_authid',
      'CREATE ROLE mallory SUPERUSER',
      'GRANT pg_read_all_data TO erin',
      'SELECT * FROM salary_run',
    ])
      await expect(query(target.executorUrl, sql)).rejects.toMatchObject({ code: '42501' });
    await expect(query(target.executorUrl, 'GRANT app_admin TO erin')).resolves.toBeDefined();
  });
});

describe('a busy target', () => {
  it('stops at the signal while the target is busy, with no effect', async () => {
    const agreed = planFrom(ask, await plan());
    const admin = await open(target.executorUrl);
    await admin.query('BEGIN');
    await admin.query('GRANT app_admin TO erin');
    const stop = new AbortController();
    const pending = target.connector.execute(
      first(agreed.steps),
      { caseId: 'case_1', recipients: [], expiresAt: new Date(), plan: agreed },
      stop.signal,
    );
    const outcome = expect(pending).rejects.toMatchObject({ code: 'timeout', effect: 'none' });
    for (let seen = false; !seen;)
      seen =
        (await target.admin("SELECT FROM pg_stat_activity WHERE application_name = 'readmit-executor' AND wait_event_type = 'Lock'"))
          .length > 0;
    stop.abort();
    await outcome;
    await admin.query('ROLLBACK');
    await admin.end();
    expect(await target.connector.read(ask, signal)).toEqual(agreed.before.facets);
  });
});
