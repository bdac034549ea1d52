/**
 * A new secret for a service account at a real PostgreSQL: two logins alternate, the new secret is sealed to its consumer, the old one is
 * destroyed. The server logs every statement; no secret may be in that log.
 */
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ask, Facet, Identity, Plan, Undo } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { postgresConnector } from '../src/index.js';
import { consumer, unsealed } from './consumer.js';
import { first, open, payroll, planFrom, query, startTestTarget, valueOf, type Target } from './postgres-target.js';

const ask: Ask = { id: 'ask-1', kind: 'secret.rotate', connector: 'target-postgres', object: 'payroll' };
const ceiling = { steps: ['secret.issue' as const], entitlements: [], maxDurationSeconds: 3600 };
const signal = new AbortController().signal;
const oldSecret = 'the-old-secret';

const payrollJob = consumer();
let target: Target;
const plan = (of = ask) =>
  target.connector.plan(of, { ceiling, durationSeconds: 900, overlapSeconds: 600, recipients: [payrollJob.key] }, signal);
const agree = async (of = ask): Promise<Plan> => planFrom(of, await plan(of));
const execute = (agreed: Plan, recipients = [payrollJob.key], caseId = 'case_1') =>
  target.connector.execute(first(agreed.steps), { caseId, recipients, expiresAt: new Date(), plan: agreed }, signal);
const destroy = (agreed: Plan, login: string, options: { caseId?: string; made?: readonly Identity[] } = {}) => {
  const undo = agreed.obligations.find(({ object }) => object === login) as Undo;
  return target.connector.undo(undo, { caseId: 'case_1', plan: agreed, ...options }, signal);
};
const unseal = (jwe: string) => unsealed(jwe, payrollJob);
const pay = (login: string, password: string) => query(target.urlOf(login, password), 'SELECT * FROM salary_run');
/** Which login is in use, and the states of both. */
const states = (facets: readonly Facet[]) =>
  ['payroll/current', 'payroll/login/payroll_a', 'payroll/login/payroll_b'].map((name) => valueOf(facets, name));
const now = async () => states(await target.connector.read(ask, signal));

beforeEach(async () => {
  await target?.stop();
  target = await startTestTarget();
});
afterAll(() => target.stop());

describe('a new secret', () => {
  it('R2.3 makes a new secret on the other login, and destroys the old one with its sessions', async () => {
    const parts = await plan();
    expect(states(parts.before)).toEqual(['payroll_a', 'login, owns', 'absent']);
    expect(parts.obligations).toMatchObject([
      { kind: 'secret.destroy', object: 'payroll_b', armedBy: 'start', unlessTakenOver: true, afterSeconds: 900 },
      { kind: 'secret.destroy', object: 'payroll_a', armedBy: 'success', unlessTakenOver: false, afterSeconds: 600 },
    ]);
    const agreed = planFrom(ask, parts);
    const result = await execute(agreed);
    expect(states(result.after)).toEqual(['payroll_a,payroll_b', 'login-expiring, owns', 'login, owns']);
    const sealed = first(result.sealed);
    expect(sealed.recipient).toBe(payrollJob.key.fingerprint);
    const secret = await unseal(sealed.jwe);
    expect(secret).toMatchObject({
      connector: 'target-postgres',
      object: 'payroll_b',
      username: 'payroll_b',
      host: '127.0.0.1',
      database: 'postgres',
    });
    expect(secret.port).toBe(Number(new URL(target.executorUrl).port));
    expect(Buffer.from(secret.password, 'base64url')).toHaveLength(24);

    await expect(pay('payroll_a', oldSecret)).resolves.toEqual([]);
    await expect(pay(secret.username, secret.password)).resolves.toEqual([]);
    const [until] = await target.admin<{ left: number }>(
      "SELECT extract(epoch FROM rolvaliduntil - now())::int AS left FROM pg_roles WHERE rolname = 'payroll_a'",
    );
    expect(until?.left).toBeGreaterThan(540);
    expect(until?.left).toBeLessThanOrEqual(600);
    const oldSession = await open(target.urlOf('payroll_a', oldSecret));
    const newSession = await open(target.urlOf('payroll_b', secret.password));
    const told = new Promise<unknown>((resolve) => oldSession.once('error', resolve));

    const ended = await destroy(agreed, 'payroll_a');
    expect([states(ended.readBack), ended.sessionsEnded]).toEqual([['payroll_b', 'absent', 'login, owns'], 1]);
    expect(valueOf(ended.readBack, 'payroll/destroyed/payroll_a')).toMatch(/^\d+ gone$/);
    expect(await told).toMatchObject({ code: '57P01' });
    await expect(pay('payroll_a', oldSecret)).rejects.toMatchObject({ code: '28P01' });
    await expect(newSession.query('SELECT * FROM salary_run')).resolves.toBeDefined();
    await newSession.end();
    await expect(pay('payroll_b', secret.password)).resolves.toEqual([]);

    const log = target.log.join('\n');
    expect(log).toMatch(/statement: ALTER ROLE "payroll_a" NOLOGIN/);
    expect(log).not.toContain(secret.password);
    expect(log).not.toMatch(/ROLE "payroll_b" LOGIN PASSWORD/);
  });

  it('R5.5 sets another secret when it is called again, and the first one is void', async () => {
    const agreed = await agree();
    const lost = await unseal(first((await execute(agreed)).sealed).jwe);
    await expect(pay('payroll_b', lost.password)).resolves.toEqual([]);
    const [ends] = await target.admin<{ rolvaliduntil: Date }>("SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'payroll_a'");
    const again = await unseal(first((await execute(agreed)).sealed).jwe);
    await expect(pay('payroll_b', lost.password)).rejects.toMatchObject({ code: '28P01' });
    await expect(pay('payroll_b', again.password)).resolves.toEqual([]);
    expect(await target.admin("SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'payroll_a'")).toEqual([ends]);
    const once = await destroy(agreed, 'payroll_a');
    expect(await destroy(agreed, 'payroll_a')).toEqual({ ...once, sessionsEnded: 0 });
    expect([...(await target.connector.read(ask, signal)), once.readBack.at(-1)]).toEqual(once.readBack);
  });

  it('R6.3 destroys a new login that no consumer took over, and leaves the old one alone', async () => {
    const agreed = await agree();
    const secret = await unseal(first((await execute(agreed)).sealed).jwe);
    await expect(pay('payroll_b', secret.password)).resolves.toEqual([]);
    expect(states((await destroy(agreed, 'payroll_b')).readBack)).toEqual(['payroll_a', 'login, owns', 'absent']);
    await expect(pay('payroll_b', secret.password)).rejects.toMatchObject({ code: '28P01' });
    await expect(pay('payroll_a', oldSecret)).resolves.toEqual([]);
  });

  it('R6.3 closes a login that cannot be dropped because it owns something', async () => {
    const agreed = await agree();
    await execute(agreed);
    await target.admin('CREATE TABLE own_table (line text); ALTER TABLE own_table OWNER TO payroll_a');
    expect(states((await destroy(agreed, 'payroll_a')).readBack)).toEqual(['payroll_b', 'no-login', 'login, owns']);
    expect(await target.admin("SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = 'payroll_a'")).toEqual([
      { rolcanlogin: false, rolpassword: null },
    ]);
    await expect(pay('payroll_a', oldSecret)).rejects.toMatchObject({ code: '28P01' });
  });

  it('R6.3 a login that someone opens again before the read-back does not count as destroyed', async () => {
    const agreed = await agree();
    await execute(agreed);
    await target.admin(`CREATE TABLE own_table (line text); ALTER TABLE own_table OWNER TO payroll_a;
      CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'keeper-password'`);
    const patient = postgresConnector({ name: ask.connector, url: target.executorUrl, roles: [payroll], callTimeoutMs: 60_000 });
    const undo = agreed.obligations.find(({ object }) => object === 'payroll_a') as Undo;
    // A concurrent change of payroll's members blocks the executor after it closed the login.
    const keeper = await open(target.urlOf('keeper', 'keeper-password'));
    await keeper.query('BEGIN; GRANT payroll TO erin');
    const destroyed = patient.undo(undo, { caseId: 'case_1', plan: agreed }, signal).then(
      () => 'destroyed',
      (error: unknown) => error,
    );
    const waits = "SELECT FROM pg_stat_activity WHERE usename = 'readmit_exec' AND wait_event_type = 'Lock'";
    await until(async () => (await target.admin(waits)).length > 0, { what: 'the executor waits' });
    await target.admin('ALTER ROLE payroll_a LOGIN');
    await keeper.query('ROLLBACK');
    await keeper.end();
    expect(await destroyed).toMatchObject({ code: 'refused', message: 'payroll_a can still log in after it was destroyed' });
    expect(states((await destroy(agreed, 'payroll_a')).readBack)).toEqual(['payroll_b', 'no-login', 'login, owns']);
  });

  it('alternates the logins: the destroyed one is created again next time, or opened if it could only be closed', async () => {
    const agreed = await agree();
    await execute(agreed);
    await expect(plan()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('both logins of payroll are valid') });
    await target.admin('CREATE TABLE own_table (line text); ALTER TABLE own_table OWNER TO payroll_a');
    await destroy(agreed, 'payroll_a');
    const back = await agree();
    expect(back.obligations.map(({ object }) => object)).toEqual(['payroll_a', 'payroll_b']);
    const secret = await unseal(first((await execute(back, [payrollJob.key], 'case_2')).sealed).jwe);
    await expect(pay('payroll_a', secret.password)).resolves.toEqual([]);
    await destroy(back, 'payroll_b', { caseId: 'case_2' });
    expect(await now()).toEqual(['payroll_a', 'login, owns', 'absent']);
  });

  it('recognizes a take-over by the consumer’s session, and does not count its own test', async () => {
    const agreed = await agree();
    const secret = await unseal(first((await execute(agreed)).sealed).jwe);
    const observe = () => target.connector.observe(agreed, { caseId: 'case_1' }, signal);
    const proof = await open(`${target.urlOf('payroll_b', secret.password)}?application_name=readmit-proof`);
    expect(await observe()).toEqual([{ object: 'payroll' }]);
    const job = await open(target.urlOf('payroll_b', secret.password));
    expect(await observe()).toEqual([{ object: 'payroll', used: { at: expect.stringMatching(/^\d{4}-.*Z$/) }, takenOver: true }]);
    await Promise.all([job.end(), proof.end()]);
  });

  it('changes nothing without a key with the approved fingerprint', async () => {
    const agreed = await agree();
    const mallory = consumer();
    const swapped = { ...mallory.key, fingerprint: payrollJob.key.fingerprint };
    for (const keys of [[], [mallory.key], [swapped]])
      await expect(execute(agreed, keys)).rejects.toMatchObject({ code: 'refused', effect: 'none' });
    expect(await target.connector.read(ask, signal)).toEqual(agreed.before.facets);
    await expect(execute(agreed)).resolves.toBeDefined();
  });

  it('R2.5 refuses if the old login no longer exists, and reports no effect', async () => {
    const agreed = await agree();
    await target.admin('DROP ROLE payroll_a');
    await expect(execute(agreed)).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    expect(await now()).toEqual(['none', 'absent', 'absent']);
    await expect(execute(await agree())).resolves.toBeDefined();
  });

  it('R5.5 reports an unknown effect if the new secret was set and cannot be proved, and leaves the old one alone', async () => {
    const agreed = await agree();
    await target.admin('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO readmit_exec, payroll_a');
    await expect(execute(agreed)).rejects.toMatchObject({
      effect: 'unknown',
      code: 'refused',
      message: expect.stringContaining('payroll_b could not be proved'),
    });
    expect(await now()).toEqual(['payroll_a,payroll_b', 'login, owns', 'login, owns']);
    await target.admin('GRANT CONNECT ON DATABASE postgres TO PUBLIC');
    await expect(execute(agreed)).resolves.toBeDefined();
  });
});
