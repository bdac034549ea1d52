/**
 * Which secret is destroyed: the login that the case created and the old one in its plan, by identity. Two cases of one account, a renamed
 * login, a step that fails half-way, a consumer that connects by itself.
 */
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Plan as PlanSchema, type Ask, type Facet, type Identity, type Plan, type RecipientKey, type Undo } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { Value } from 'typebox/value';
import { consumer, unsealed } from './consumer.js';
import { first, oidOf, open, planFrom, query, startTestTarget, valueOf, type Target } from './postgres-target.js';

const rotate: Ask = { id: 'ask-1', kind: 'secret.rotate', connector: 'target-postgres', object: 'payroll' };
const reissue: Ask = { ...rotate, kind: 'secret.reissue' };
const signal = new AbortController().signal;
const oldSecret = 'the-old-secret';
const job = consumer();
let target: Target;

const plan = (ask: Ask, { overlapSeconds = 600, durationSeconds = 900, key = job.key } = {}) =>
  target.connector.plan(
    ask,
    {
      ceiling: { steps: ['secret.issue'], entitlements: [], maxDurationSeconds: 3600 },
      durationSeconds,
      overlapSeconds,
      recipients: [key],
    },
    signal,
  );
const agree = async (ask = rotate, key: RecipientKey = job.key): Promise<Plan> => planFrom(ask, await plan(ask, { key }));
const execute = (agreed: Plan, caseId: string, key: RecipientKey = job.key) =>
  target.connector.execute(first(agreed.steps), { caseId, recipients: [key], expiresAt: new Date(), plan: agreed }, signal);
const issue = async (agreed: Plan, caseId: string) => {
  const { sealed, made } = await execute(agreed, caseId);
  return { ...(await unsealed(first(sealed).jwe, job)), made: made ?? [] };
};
const undo = (agreed: Plan, armedBy: Undo['armedBy'], caseId: string, made?: readonly Identity[]) => {
  const obligation = agreed.obligations.find((one) => one.armedBy === armedBy) as Undo;
  return target.connector.undo(obligation, { caseId, plan: agreed, ...(made ? { made } : {}) }, signal);
};
const pay = (login: string, password: string) => query(target.urlOf(login, password), 'SELECT * FROM salary_run');
const untilOf = async (login: string) =>
  (await target.admin<{ until: string | null }>(`SELECT rolvaliduntil::text AS until FROM pg_roles WHERE rolname = '${login}'`))[0]?.until;
const commentOf = async (login: string) =>
  (await target.admin<{ says: string | null }>(`SELECT shobj_description('${login}'::regrole, 'pg_authid') AS says`))[0]?.says;
const destroyed = (facets: readonly Facet[], login: string) => valueOf(facets, `payroll/destroyed/${login}`);

beforeEach(async () => {
  await target?.stop();
  target = await startTestTarget();
});
afterAll(() => target.stop());

describe('two cases of one account', () => {
  it('R6.5 the end of a case that changed nothing leaves the secret of another case alone', async () => {
    const [mine, idle] = [await agree(), await agree()];
    const secret = await issue(mine, 'case_1');
    await expect(execute(idle, 'case_2')).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    const undone = await undo(idle, 'start', 'case_2');
    expect(destroyed(undone.readBack, 'payroll_b')).toBe('not made');
    await expect(pay('payroll_b', secret.password)).resolves.toEqual([]);
    expect(await untilOf('payroll_a')).not.toBeNull();
    // The same obligation of the case that created it destroys it.
    expect(destroyed((await undo(mine, 'start', 'case_1')).readBack, 'payroll_b')).toMatch(/^\d+ gone$/);
    await expect(pay('payroll_b', secret.password)).rejects.toMatchObject({ code: '28P01' });
  });

  it('R6.5 a login that could only be closed and that another case has taken over is not destroyed again', async () => {
    const earlier = await agree();
    const { made } = await issue(earlier, 'case_1');
    await target.admin('CREATE TABLE own_table (line text); ALTER TABLE own_table OWNER TO payroll_b');
    expect(destroyed((await undo(earlier, 'start', 'case_1', made)).readBack, 'payroll_b')).toMatch(/^\d+ closed$/);
    const later = await agree();
    expect(first(later.obligations).identity).toContainEqual({ name: 'login', value: await oidOf(target, 'payroll_b') });
    const secret = await issue(later, 'case_2');
    expect(destroyed((await undo(earlier, 'start', 'case_1', made)).readBack, 'payroll_b')).toBe('not made');
    await expect(pay('payroll_b', secret.password)).resolves.toEqual([]);
    await undo(later, 'start', 'case_2', secret.made);
    await expect(pay('payroll_b', secret.password)).rejects.toMatchObject({ code: '28P01' });
  });

  it('R6.5 an old login that could only be closed and that another case has taken over is not closed again when the first case is contained', async () => {
    const earlier = await agree();
    const { made } = await issue(earlier, 'case_1');
    await target.admin('CREATE TABLE own_table (line text); ALTER TABLE own_table OWNER TO payroll_a');
    expect(destroyed((await undo(earlier, 'success', 'case_1', made)).readBack, 'payroll_a')).toMatch(/^\d+ closed$/);
    const later = await agree();
    const secret = await issue(later, 'case_2');
    expect(secret.username).toBe('payroll_a');
    expect(destroyed((await undo(earlier, 'success', 'case_1', made)).readBack, 'payroll_a')).toBe('not made');
    await expect(pay('payroll_a', secret.password)).resolves.toEqual([]);
    // The mark of a case that created the old login before the plan protects nothing.
    await undo(later, 'success', 'case_2', secret.made);
    const last = await agree();
    await issue(last, 'case_3');
    expect(destroyed((await undo(last, 'success', 'case_3')).readBack, 'payroll_a')).toMatch(/^\d+ closed$/);
    await expect(pay('payroll_a', secret.password)).rejects.toMatchObject({ code: '28P01' });
  });

  it('R2.5 does not use a login with that name that someone else created, even if it has a mark', async () => {
    const agreed = await agree();
    await target.admin("CREATE ROLE payroll_b LOGIN; COMMENT ON ROLE payroll_b IS 'readmit case=case_1 account=payroll'");
    await target.admin('CREATE ROLE dba CREATEROLE; GRANT payroll_b TO dba WITH ADMIN TRUE');
    await target.admin('GRANT payroll_b TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE GRANTED BY dba');
    await expect(execute(agreed, 'case_1')).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    expect(destroyed((await undo(agreed, 'start', 'case_1')).readBack, 'payroll_b')).toBe('not made');
    expect(await target.admin("SELECT FROM pg_auth_members WHERE member = 'payroll_b'::regrole")).toEqual([]);
  });

  it('have the account as hold: every plan of it has one hold, on the step and on both undos', async () => {
    const agreed = await agree();
    expect(first(agreed.steps).hold).toBe('target-postgres/secret/payroll');
    expect(agreed.obligations.map(({ hold }) => hold)).toEqual(Array(2).fill('target-postgres/secret/payroll'));
  });
});

describe('by identity, not by name', () => {
  it('R6.3 destroys the old login under its new name, and not one that has its name now', async () => {
    const agreed = await agree();
    await issue(agreed, 'case_1');
    await target.admin('ALTER ROLE payroll_a RENAME TO pay_old');
    await target.admin("ALTER ROLE pay_old PASSWORD 'the-old-secret'; CREATE ROLE payroll_a LOGIN PASSWORD 'of-somebody-else'");
    const session = await open(target.urlOf('pay_old', oldSecret));
    const innocent = await open(target.urlOf('payroll_a', 'of-somebody-else'));
    expect((await undo(agreed, 'success', 'case_1')).sessionsEnded).toBe(1);
    await expect(session.query('SELECT 1')).rejects.toThrow(/not queryable|terminat/);
    await expect(innocent.query('SELECT 1')).resolves.toBeDefined();
    await innocent.end();
    await expect(pay('pay_old', oldSecret)).rejects.toMatchObject({ code: '28P01' });
  });

  it.each([
    ['recorded', true],
    ['not recorded, as after a crash', false],
  ])('R6.3 destroys the new login under its new name when its identity is %s', async (_what, recorded) => {
    const agreed = await agree();
    const secret = await issue(agreed, 'case_1');
    expect(secret.made).toContainEqual({ name: 'login', value: await oidOf(target, 'payroll_b') });
    await target.admin('ALTER ROLE payroll_b RENAME TO pay_new');
    await target.admin("ALTER ROLE pay_new PASSWORD 'the-new-secret'");
    await expect(pay('pay_new', 'the-new-secret')).resolves.toEqual([]);
    await undo(agreed, 'start', 'case_1', recorded ? secret.made : undefined);
    await expect(pay('pay_new', 'the-new-secret')).rejects.toMatchObject({ code: '28P01' });
    expect(await target.admin("SELECT FROM pg_roles WHERE rolname = 'pay_new'")).toEqual([]);
  });

  it.each([
    [
      'the owner role is another one',
      'ALTER ROLE payroll RENAME TO payroll_x; CREATE ROLE payroll; GRANT payroll TO readmit_exec WITH ADMIN TRUE',
    ],
    ['the old login is another one', 'ALTER ROLE payroll_a RENAME TO pay_old; CREATE ROLE payroll_a LOGIN; GRANT payroll TO payroll_a'],
    ['somebody can use the old login who could not', 'CREATE ROLE x LOGIN; GRANT payroll_a TO x'],
  ])('R2.5 changes nothing when %s than the plan saw', async (_what, sql) => {
    const agreed = await agree();
    await target.admin(sql);
    await expect(execute(agreed, 'case_1')).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    expect(await target.admin("SELECT FROM pg_roles WHERE rolname = 'payroll_b'")).toEqual([]);
  });

  it('R6.3 ends the sessions of roles that can use the destroyed login, and the plan names them', async () => {
    await target.admin("CREATE ROLE batch LOGIN PASSWORD 'of-the-batch-job'; GRANT payroll_a TO batch");
    const parts = await plan(rotate);
    expect(parts.warnings).toContain(
      'batch can use payroll_a and so gets what payroll owns too: those sessions end with the sessions of payroll_a.',
    );
    const agreed = planFrom(rotate, parts);
    await issue(agreed, 'case_1');
    const member = await open(target.urlOf('batch', 'of-the-batch-job'));
    await member.query('SET ROLE payroll_a');
    expect((await undo(agreed, 'success', 'case_1')).sessionsEnded).toBe(1);
    await expect(member.query('SELECT * FROM salary_run')).rejects.toThrow(/not queryable|terminat/);
  });
});

describe('a step that fails half-way', () => {
  it('R6.5 changes nothing if the secret cannot be sealed', async () => {
    // A point that is not an X25519 key, with its fingerprint.
    const short = consumer({ sealing: 'AAAA' });
    const agreed = await agree(rotate, short.key);
    await expect(execute(agreed, 'case_1', short.key)).rejects.toMatchObject({
      code: 'refused',
      effect: 'none',
      message: expect.stringContaining('cannot seal to the key'),
    });
    expect(await target.connector.read(rotate, signal)).toEqual(agreed.before.facets);
    await expect(execute(await agree(), 'case_1')).resolves.toBeDefined();
  });

  it.each([
    ['none', "'infinity'"],
    ['one of its own', "'2033-01-02 03:04:05.678901+00'"],
  ])('R6.5 gives the old login back the end that it had (%s) when the new one is destroyed', async (_what, end) => {
    await target.admin(`ALTER ROLE payroll_a VALID UNTIL ${end}`);
    const before = await untilOf('payroll_a');
    const agreed = await agree();
    await issue(agreed, 'case_1');
    expect(await untilOf('payroll_a')).not.toBe(before);
    await undo(agreed, 'start', 'case_1');
    expect(await untilOf('payroll_a')).toBe(before);
    await expect(pay('payroll_a', oldSecret)).resolves.toEqual([]);
  });

  it('R6.5 restores the end of the old login if someone else dropped the new one', async () => {
    const agreed = await agree();
    await issue(agreed, 'case_1');
    expect(await untilOf('payroll_a')).not.toBeNull();
    await target.admin('DROP ROLE payroll_b');
    await undo(agreed, 'start', 'case_1');
    expect(await untilOf('payroll_a')).toBe('infinity');
    await expect(pay('payroll_a', oldSecret)).resolves.toEqual([]);
  });

  it('R6.3 counts logins that somebody else dropped as destroyed, and so without the owner role', async () => {
    const agreed = await agree();
    const { made } = await issue(agreed, 'case_1');
    await target.admin('DROP ROLE payroll_a; DROP ROLE payroll_b; DROP OWNED BY payroll; DROP ROLE payroll');
    expect(destroyed((await undo(agreed, 'success', 'case_1')).readBack, 'payroll_a')).toMatch(/^\d+ gone$/);
    expect(destroyed((await undo(agreed, 'start', 'case_1', made)).readBack, 'payroll_b')).toMatch(/^\d+ gone$/);
    expect(destroyed((await undo(agreed, 'start', 'case_1')).readBack, 'payroll_b')).toBe('not made');
  });

  it('R6.5 does not restore the end of the old login after the step succeeded: its secret may be stolen', async () => {
    const agreed = await agree(reissue);
    const { made, password } = await issue(agreed, 'case_1');
    const end = await untilOf('payroll_a');
    expect(destroyed((await undo(agreed, 'start', 'case_1', made)).readBack, 'payroll_b')).toMatch(/^\d+ gone$/);
    expect(await untilOf('payroll_a')).toBe(end);
    await expect(pay('payroll_a', oldSecret)).rejects.toMatchObject({ code: '28P01' });
    await expect(pay('payroll_b', password)).rejects.toMatchObject({ code: '28P01' });
    // Without a record, as after a crash, its end is restored.
    await undo(agreed, 'start', 'case_1');
    expect(await untilOf('payroll_a')).toBe('infinity');
  });

  it('R6.5 does not restore an end that another case set', async () => {
    const agreed = await agree();
    await issue(agreed, 'case_1');
    const set = await untilOf('payroll_a');
    await undo(agreed, 'start', 'case_2');
    expect(await untilOf('payroll_a')).toBe(set);
    await undo(agreed, 'start', 'case_1');
    expect(await untilOf('payroll_a')).toBe('infinity');
  });

  it('R6.5 keeps comments of others on the old login', async () => {
    await target.admin("COMMENT ON ROLE payroll_a IS E'for the payroll run\\nask the platform team'");
    const agreed = await agree();
    await issue(agreed, 'case_1');
    expect(await commentOf('payroll_a')).toMatch(
      /^for the payroll run\nask the platform team\nreadmit-end case=case_1 until=\d{4}-\S+Z was=none$/,
    );
    await undo(agreed, 'start', 'case_1');
    expect(await commentOf('payroll_a')).toBe('for the payroll run\nask the platform team');
  });

  it('R6.5 restores an end that someone else set between two tries', async () => {
    const agreed = await agree();
    await issue(agreed, 'case_1');
    const own = '2031-01-01 00:00:00+00';
    await target.admin(`ALTER ROLE payroll_a VALID UNTIL '${own}'`);
    await issue(agreed, 'case_1');
    expect(await untilOf('payroll_a')).not.toBe(own);
    await undo(agreed, 'start', 'case_1');
    expect(await untilOf('payroll_a')).toBe(own);
  });

  it('R6.5 keeps an end of the old login that someone else has set since', async () => {
    const agreed = await agree();
    await issue(agreed, 'case_1');
    await target.admin("ALTER ROLE payroll_a VALID UNTIL '2031-01-01 00:00:00+00'");
    await undo(agreed, 'start', 'case_1');
    expect(await untilOf('payroll_a')).toBe('2031-01-01 00:00:00+00');
    expect(await commentOf('payroll_a')).toBeNull();
  });
});

describe('a login that lost its mark before anything was recorded', () => {
  it.each([
    ['its name', 'SELECT'],
    ['another name', 'ALTER ROLE payroll_b RENAME TO pay_new'],
  ])('R6.3 is not called undone under %s while it can log in', async (_name, sql) => {
    const agreed = await agree();
    const { made } = await issue(agreed, 'case_1');
    await target.admin(`COMMENT ON ROLE payroll_b IS 'looked after by the DBA'; ${sql}`);
    await expect(undo(agreed, 'start', 'case_1')).rejects.toMatchObject({
      code: 'changed',
      message: expect.stringMatching(/^pay\S+ can log in for payroll .* so this case may have created it/),
    });
    expect(await untilOf('payroll_a')).toBe('infinity');
    // The same login, with a record.
    expect(destroyed((await undo(agreed, 'start', 'case_1', made)).readBack, 'payroll_b')).toMatch(/^\d+ gone$/);
    expect(destroyed((await undo(agreed, 'start', 'case_1')).readBack, 'payroll_b')).toBe('not made');
  });

  it('R6.5 is left alone if a person marks it by comment as not created by the case', async () => {
    const agreed = await agree();
    const { password } = await issue(agreed, 'case_1');
    await target.admin("COMMENT ON ROLE payroll_b IS 'readmit case=none account=payroll'");
    expect(destroyed((await undo(agreed, 'start', 'case_1')).readBack, 'payroll_b')).toBe('not made');
    await expect(pay('payroll_b', password)).resolves.toEqual([]);
  });
});

describe('a login that is in use', () => {
  it('R5.2 ends at once with the success of a reissue, even if its session locks it by a change of its own password', async () => {
    const agreed = await agree(reissue);
    const session = await open(target.urlOf('payroll_a', oldSecret));
    await session.query("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'the-next-secret'");
    const { password } = await issue(agreed, 'case_1');
    await expect(session.query('SELECT 1')).rejects.toThrow(/not queryable|terminat/);
    await expect(pay('payroll_a', oldSecret)).rejects.toMatchObject({ code: '28P01' });
    await expect(pay('payroll_b', password)).resolves.toEqual([]);
  });

  it.each([
    ['start', 'payroll_b'],
    ['success', 'payroll_a'],
  ] as const)('R6.3 is destroyed though its session holds it by a change of its own password (armed by %s)', async (armedBy, login) => {
    const agreed = await agree();
    const { made, password } = await issue(agreed, 'case_1');
    const session = await open(target.urlOf(login, login === 'payroll_b' ? password : oldSecret));
    await session.query("BEGIN; ALTER ROLE CURRENT_USER PASSWORD 'the-next-secret'");
    const undone = await undo(agreed, armedBy, 'case_1', made);
    expect([destroyed(undone.readBack, login), undone.sessionsEnded]).toEqual([expect.stringMatching(/^\d+ gone$/), 1]);
    await expect(session.query('SELECT 1')).rejects.toThrow(/not queryable|terminat/);
  });
});

describe('when the old secret ends', () => {
  it('R5.2 a dead or stolen secret ends at once, a rotated one after the overlap, at most with the case; the plan tells which', async () => {
    const of = async (ask: Ask, options = {}) => {
      const parts = await plan(ask, options);
      expect([...Value.Errors(PlanSchema, planFrom(ask, parts))]).toEqual([]);
      return {
        after: parts.obligations.map(({ afterSeconds }) => afterSeconds),
        says: [...parts.removes, ...(parts.warnings ?? [])].join('\n'),
      };
    };
    expect(await of(reissue)).toEqual({
      after: [900, 0],
      says: expect.stringMatching(
        /payroll_a and its secret, at once.*\nEvery session of payroll_a ends at once .*whether its consumers have the new secret/,
      ),
    });
    expect(await of(rotate)).toEqual({ after: [900, 600], says: expect.stringContaining('Every session of payroll_a ends 600 s after') });
    expect(await of(rotate, { overlapSeconds: 86_400 })).toMatchObject({ after: [900, 900] });
  });

  it('R5.2 the target itself ends the old password with the success of a reissue', async () => {
    const agreed = await agree(reissue);
    await expect(pay('payroll_a', oldSecret)).resolves.toEqual([]);
    const secret = await issue(agreed, 'case_1');
    await expect(pay('payroll_a', oldSecret)).rejects.toMatchObject({ code: '28P01' });
    await expect(pay('payroll_b', secret.password)).resolves.toEqual([]);
    // The new one was lost: its undo restores the old one.
    await undo(agreed, 'start', 'case_1');
    await expect(pay('payroll_a', oldSecret)).resolves.toEqual([]);
  });

  it('reports no take-over while a session of the old login is left, but that the new one is used', async () => {
    const agreed = await agree();
    const observe = () => target.connector.observe(agreed, { caseId: 'case_1' }, signal);
    const old = await open(target.urlOf('payroll_a', oldSecret));
    const { password } = await issue(agreed, 'case_1');
    const alone = await open(target.urlOf('payroll_b', password));
    expect(await observe()).toEqual([{ object: 'payroll', used: { at: expect.stringMatching(/Z$/) }, takenOver: false }]);
    await old.end();
    await until(async () => (await target.admin("SELECT FROM pg_stat_activity WHERE usename = 'payroll_a'")).length === 0, {
      what: 'the old session has ended',
    });
    expect(await observe()).toEqual([{ object: 'payroll', used: { at: expect.stringMatching(/Z$/) }, takenOver: true }]);
    await alone.end();
  });

  it('names what the old login itself owns: the new one cannot use it, and it is not dropped', async () => {
    await target.admin('CREATE TABLE payslips (line text); CREATE TABLE drafts (line text)');
    const before = await plan(rotate);
    expect(before.untouched).toEqual(['role payroll and everything it owns']);
    await target.admin('ALTER TABLE payslips OWNER TO payroll_a; ALTER TABLE drafts OWNER TO payroll_a');
    const parts = await plan(rotate);
    expect(parts.untouched).toEqual([
      'role payroll and everything it owns',
      'what login payroll_a owns itself, 2 objects: it is closed and not dropped',
    ]);
    expect(parts.warnings).toContain('payroll_a itself owns 2 objects, not payroll: payroll_b can use them only as far as it is granted.');
  });
});
