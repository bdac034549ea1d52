/**
 * Names are reused during a grant: logins and roles are renamed, dropped and created again, others become members. What was granted is
 * revoked from the one that it was granted to, and one that has the name now loses nothing.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { postgresConnector, scramVerifier } from '../src/index.js';
import type { PlanParts } from '@readmit/domain';
import { Plan as PlanSchema, type Ask, type Plan } from '@readmit/contracts';
import { Value } from 'typebox/value';
import { first, oidOf, open, planFrom, query, startTestTarget, throughProxy, valueOf, type Target } from './postgres-target.js';

const ask: Ask = { id: 'ask-1', kind: 'role.restore', connector: 'target-postgres', object: 'jane', entitlement: 'app_admin' };
const ceiling = { steps: ['role.grant' as const], entitlements: ['app_admin', 'ledger_admin', 'jane_role'], maxDurationSeconds: 3600 };
const signal = new AbortController().signal;
let target: Target;
let connector: Target['connector'];
const plan = (of: Ask = ask): Promise<PlanParts> =>
  connector.plan(of, { ceiling, durationSeconds: 900, overlapSeconds: 0, recipients: [] }, signal);
const execute = (agreed: Plan) =>
  connector.execute(first(agreed.steps), { caseId: 'case_1', recipients: [], expiresAt: new Date(), plan: agreed }, signal);
const undo = (agreed: Plan, by = connector) => by.undo(first(agreed.obligations), { caseId: 'case_1', plan: agreed }, signal);
const granted = async (of: Ask = ask): Promise<Plan> => {
  const agreed = planFrom(of, await plan(of));
  await execute(agreed);
  return agreed;
};
const as = (login: string): string => target.urlOf(login, 'password-of-a-login-0001');
const readLedger = (login: string): Promise<unknown> => query(as(login), 'SELECT * FROM admin_ledger');
/** An open session that uses the role. */
async function using(login: string, role = 'app_admin') {
  const session = await open(as(login));
  await session.query(`SET ROLE ${role}`);
  await session.query('SELECT * FROM admin_ledger');
  return session;
}
const ended = /not queryable|terminat/;
const make = (login: string): string => `CREATE ROLE ${login} LOGIN PASSWORD '${scramVerifier('password-of-a-login-0001')}';`;

beforeAll(async () => {
  target = await startTestTarget();
  connector = target.connector;
});
afterAll(() => target.stop());
beforeEach(() => target.admin(`${make('jane')} ${make('kim')}`));
afterEach(async () => {
  await target.admin(`
    DO $$ DECLARE it record; BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_admin_v2') THEN
        DROP ROLE IF EXISTS app_admin; ALTER ROLE app_admin_v2 RENAME TO app_admin;
      END IF;
      REVOKE pg_read_all_data FROM app_admin;
      FOR it IN SELECT rolname FROM pg_roles WHERE rolname ~ '^(jane|kim|nora|ines|team)' LOOP
        EXECUTE format('REVOKE app_admin FROM %I GRANTED BY readmit_exec CASCADE', it.rolname);
      END LOOP;
      FOR it IN SELECT rolname FROM pg_roles WHERE rolname ~ '^(jane|kim|nora|ines|team)' LOOP
        EXECUTE format('DROP ROLE %I', it.rolname);
      END LOOP;
    END $$`);
});

describe('by identity, not by name', () => {
  it('R6.3 revokes the role from the login that it was granted to, under its new name', async () => {
    const agreed = await granted();
    await target.admin('ALTER ROLE jane RENAME TO jane_smith');
    await target.admin(`ALTER ROLE jane_smith PASSWORD '${scramVerifier('password-of-a-login-0001')}'`);
    const session = await using('jane_smith');
    const undone = await undo(agreed);
    expect(valueOf(undone.readBack, 'jane/login')).toBe('can-login, now named jane_smith');
    expect(valueOf(undone.readBack, 'jane/role/app_admin')).toBe('absent');
    expect(undone.sessionsEnded).toBe(1);
    await expect(session.query('SELECT 1')).rejects.toThrow(ended);
    await expect(readLedger('jane_smith')).rejects.toMatchObject({ code: '42501' });
  });

  it.each([
    ['renamed', 'ALTER ROLE app_admin RENAME TO app_admin_v2'],
    [
      'renamed, and another role has its name',
      'ALTER ROLE app_admin RENAME TO app_admin_v2; CREATE ROLE app_admin; GRANT app_admin TO readmit_exec WITH ADMIN TRUE, INHERIT FALSE, SET FALSE',
    ],
  ])('R6.3 takes away the role that was granted when it was %s', async (_how, sql) => {
    const agreed = await granted();
    await target.admin(sql);
    const session = await using('jane', 'app_admin_v2');
    const undone = await undo(agreed);
    expect(undone.sessionsEnded).toBe(1);
    await expect(session.query('SELECT 1')).rejects.toThrow(ended);
    await expect(readLedger('jane')).rejects.toMatchObject({ code: '42501' });
  });

  it('R6.5 leaves the login that has the name now alone, with its sessions and grants', async () => {
    const agreed = await granted();
    await target.admin('ALTER ROLE jane RENAME TO jane_old');
    await target.admin(`${make('jane')} GRANT app_admin TO jane GRANTED BY readmit_exec`);
    const innocent = await using('jane');
    await undo(agreed);
    await expect(innocent.query('SELECT * FROM admin_ledger')).resolves.toBeDefined();
    await innocent.end();
    expect(
      await target.admin(
        "SELECT member::regrole::text AS name FROM pg_auth_members WHERE roleid = 'app_admin'::regrole AND member::regrole::text ~ 'jane'",
      ),
    ).toEqual([{ name: 'jane' }]);
  });

  it('R6.3 ends the sessions of a dropped login, and leaves one that was created with its name since', async () => {
    const agreed = await granted();
    const session = await using('jane');
    await target.admin('REVOKE app_admin FROM jane GRANTED BY readmit_exec; DROP ROLE jane');
    await target.admin(make('jane'));
    const innocent = await open(as('jane'));
    const undone = await undo(agreed);
    expect(undone.sessionsEnded).toBe(1);
    expect(valueOf(undone.readBack, 'jane/login/oid')).toBe('none');
    await expect(session.query('SELECT 1')).rejects.toThrow(ended);
    await expect(innocent.query('SELECT 1')).resolves.toBeDefined();
    await innocent.end();
  });

  it('R6.3 counts a role that was dropped as revoked', async () => {
    await target.admin('CREATE ROLE jane_role; GRANT jane_role TO readmit_exec WITH ADMIN TRUE');
    const of: Ask = { ...ask, entitlement: 'jane_role' };
    const agreed = await granted(of);
    await target.admin('REVOKE jane_role FROM jane GRANTED BY readmit_exec; DROP ROLE jane_role');
    expect(valueOf((await undo(agreed)).readBack, 'jane/role/jane_role')).toBe('absent');
  });

  it.each([
    ['another login has its name', `ALTER ROLE jane RENAME TO jane_old; ${make('jane')}`],
    [
      'another role has the name of the role',
      'ALTER ROLE app_admin RENAME TO app_admin_v2; CREATE ROLE app_admin; GRANT app_admin TO readmit_exec WITH ADMIN TRUE',
    ],
    ['it has become another kind of account', 'ALTER ROLE jane CREATEDB'],
    ['somebody can use it who could not', 'GRANT jane TO kim'],
    ['the role reaches more than it did', 'GRANT pg_read_all_data TO app_admin'],
  ])('R2.5 refuses to grant when %s since the plan', async (_what, sql) => {
    const agreed = planFrom(ask, await plan());
    await target.admin(sql);
    await expect(execute(agreed)).rejects.toMatchObject({ code: 'changed', effect: 'none' });
    await expect(execute(planFrom(ask, await plan()))).resolves.toBeDefined();
  });

  it('has holds by identity: two pairs of names that look alike when joined are two holds, and a renamed login keeps its hold', async () => {
    const holdOf = async (of?: Ask) => first((await plan(of)).obligations).hold;
    const hold = await holdOf();
    expect(hold).toBe(`target-postgres/role.grant/${await oidOf(target, 'app_admin')}/${await oidOf(target, 'jane')}`);
    expect(await holdOf({ ...ask, object: 'kim' })).not.toBe(hold);
    await target.admin('ALTER ROLE jane RENAME TO jane_smith');
    expect(await holdOf({ ...ask, object: 'jane_smith' })).toBe(hold);
    expect(first((await plan({ ...ask, object: 'jane_smith' })).steps)).toMatchObject({ hold, touches: ['jane_smith/role/app_admin'] });
  });

  it('gives facets of different pairs different names, even if names of roles have the separator', async () => {
    await target.admin(`CREATE ROLE "jane/role/x" LOGIN; CREATE ROLE "x/login"; GRANT "x/login" TO readmit_exec WITH ADMIN TRUE`);
    const names = async (object: string, entitlement: string) =>
      (await connector.read({ ...ask, object, entitlement }, signal)).map(({ name }) => name);
    const [one, other] = [await names('jane/role/x', 'app_admin'), await names('jane', 'x/login')];
    await target.admin('DROP ROLE "x/login"');
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });
});

describe('others who get the role through the login', () => {
  it('R6.3 ends the sessions of members of the login too, and the plan names them', async () => {
    await target.admin(`${make('ines_app')} ${make('ines_super')} ALTER ROLE ines_super SUPERUSER; CREATE ROLE ines_group;
      GRANT jane TO ines_group, ines_super; GRANT ines_group TO ines_app; GRANT jane TO kim WITH INHERIT FALSE, SET FALSE`);
    const parts = await plan();
    expect(parts.warnings).toEqual([
      'ines_app can use jane and so gets app_admin too: those sessions end with the sessions of jane.',
      "ines_super can use jane and so gets app_admin too: a superuser's sessions cannot be ended, end them by hand.",
      expect.stringMatching(/made under app_admin meanwhile stays after the end: functions with SECURITY DEFINER/),
    ]);
    expect(valueOf(parts.before, 'jane/members')).toMatch(/^ines_app \d+,ines_super \d+$/);
    const agreed = await granted();
    const member = await using('ines_app');
    const uninvolved = await open(as('kim'));
    expect((await undo(agreed)).sessionsEnded).toBe(1);
    await expect(member.query('SELECT * FROM admin_ledger')).rejects.toThrow(ended);
    await expect(uninvolved.query('SELECT 1')).resolves.toBeDefined();
    await uninvolved.end();
  });

  it('R6.3 ends the session of a member at planning who is none at the end', async () => {
    await target.admin('GRANT jane TO kim');
    const agreed = await granted();
    const member = await using('kim');
    await target.admin('REVOKE jane FROM kim');
    expect((await undo(agreed)).sessionsEnded).toBe(1);
    await expect(member.query('SELECT * FROM admin_ledger')).rejects.toThrow(ended);
  });

  it('R6.3 ends the session of one who became a member meanwhile', async () => {
    const agreed = await granted();
    await target.admin('GRANT jane TO kim');
    const member = await using('kim');
    expect((await undo(agreed)).sessionsEnded).toBe(1);
    await expect(member.query('SELECT * FROM admin_ledger')).rejects.toThrow(ended);
  });

  it('R6.3 revokes what was granted on from its grant, and ends those sessions too', async () => {
    const agreed = await granted();
    await target.admin(`${make('nora')} GRANT app_admin TO jane WITH ADMIN OPTION GRANTED BY readmit_exec`);
    await query(as('jane'), 'GRANT app_admin TO kim WITH ADMIN OPTION');
    await query(as('kim'), 'GRANT app_admin TO nora');
    const sessions = [await using('jane'), await using('kim'), await using('nora')];
    const undone = await undo(agreed);
    expect(undone.sessionsEnded).toBe(3);
    for (const session of sessions) await expect(session.query('SELECT 1')).rejects.toThrow(ended);
    for (const login of ['jane', 'kim', 'nora']) await expect(readLedger(login)).rejects.toMatchObject({ code: '42501' });
  });

  it('R6.3 ends sessions even if the role cannot be revoked, and reports that it was not', async () => {
    const agreed = await granted();
    const session = await using('jane');
    await target.admin('ALTER ROLE readmit_exec SET default_transaction_read_only = on');
    await expect(undo(agreed)).rejects.toMatchObject({ code: 'refused', effect: 'unknown', message: expect.stringContaining('25006') });
    await target.admin('ALTER ROLE readmit_exec RESET default_transaction_read_only');
    await expect(session.query('SELECT 1')).rejects.toThrow(ended);
    await expect(readLedger('jane')).resolves.toEqual([]);
    await undo(agreed);
    await expect(readLedger('jane')).rejects.toMatchObject({ code: '42501' });
  });
});

describe('a target that confirms a change without making it', () => {
  /** The connector, over a connection whose statements pass through `through`, which may act first and replace them. */
  const undoThrough = (agreed: Plan, through: (statement: string) => string | Promise<string>): Promise<unknown> =>
    throughProxy(
      target,
      ({ client, server }) => {
        server.pipe(client);
        let before = Promise.resolve();
        client.on('data', (bytes) => {
          before = before.then(async () => void server.write(Buffer.from(await through(bytes.toString('latin1')), 'latin1')));
        });
      },
      (url) => undo(agreed, postgresConnector({ name: 'target-postgres', url, roles: [] })).catch((error: unknown) => error),
    );

  it.each([
    [
      'the revocation has no effect',
      (statement: string) => statement.replace(/REVOKE .* CASCADE/, (sql) => 'SELECT 1'.padEnd(sql.length)),
      'changed',
      'app_admin was not revoked from',
    ],
    [
      'the role is granted again before it is read back',
      async (statement: string) => {
        if (statement.includes('clock_timestamp')) await target.admin('GRANT app_admin TO jane GRANTED BY readmit_exec');
        return statement;
      },
      'refused',
      'still has app_admin from the executor',
    ],
  ])('R6.3 does not trust the target when %s', async (_what, through, code, says) => {
    const agreed = await granted();
    expect(await undoThrough(agreed, through)).toMatchObject({ code, message: expect.stringContaining(says) });
    await expect(readLedger('jane')).resolves.toEqual([]);
    expect(await undoThrough(agreed, (statement) => statement)).toMatchObject({ sessionsEnded: 0 });
    await expect(readLedger('jane')).rejects.toMatchObject({ code: '42501' });
  });

  it('R5.6 has the capabilities that it declares: it reads back and ends sessions', async () => {
    const agreed = await granted();
    const session = await using('jane');
    const undone = await undo(agreed);
    await expect(session.query('SELECT 1')).rejects.toThrow(ended);
    expect(undone.readBack).not.toEqual([]);
    expect(undone.sessionsEnded).toBeGreaterThan(0);
    expect(connector.capabilities.can).toEqual(['read-back', 'end-sessions']);
  });
});

describe('a person with many roles', () => {
  it.each([
    ['two hundred and fifty', 250, 'team_'],
    ['thirty with the longest names', 30, 'n'.repeat(60)],
  ])('R2.2 gets a plan that can be kept: %s', async (_what, count, name) => {
    const teams = Array.from({ length: count }, (_, at) => `${name}${String(at).padStart(3, '0')}`);
    await target.admin(`DO $$ BEGIN FOR at IN 0..${count - 1} LOOP
      EXECUTE format('CREATE ROLE %I; GRANT %1$I TO jane', '${name}' || lpad(at::text, 3, '0')); END LOOP; END $$`);
    try {
      const parts = await plan();
      const agreed = planFrom(ask, parts);
      expect([...Value.Errors(PlanSchema, agreed)]).toEqual([]);
      expect(parts.untouched).toHaveLength(Math.min(count, 101));
      expect(parts.untouched[0]).toBe(`jane keeps ${teams[0]}`);
      if (count > 100)
        expect(parts.untouched.at(-1)).toMatch(new RegExp(`^${count - 100} more roles that jane keeps, sha256 [0-9a-f]{64}$`));
      await execute(agreed);
      // What this executor granted for another case is not a standing role.
      expect((await plan()).untouched).toEqual(parts.untouched);
      await target.admin(`REVOKE ${teams[count - 1]} FROM jane`);
      expect(valueOf(await connector.read(ask, signal), 'jane/roles')).not.toBe(valueOf(parts.before, 'jane/roles'));
      await undo(agreed);
    } finally {
      await target.admin(`DO $$ BEGIN FOR at IN 0..${count - 1} LOOP
        EXECUTE format('DROP ROLE %I', '${name}' || lpad(at::text, 3, '0')); END LOOP; END $$`);
    }
  });

  it('R2.2 makes a plan for a login and a role of 63 characters each', async () => {
    const [object, entitlement] = [`kim${'k'.repeat(60)}`, `team${'t'.repeat(59)}`];
    await target.admin(`${make(object)} CREATE ROLE ${entitlement}; GRANT ${entitlement} TO readmit_exec WITH ADMIN TRUE`);
    const long = { ...ask, object, entitlement };
    const parts = await connector.plan(
      long,
      { ceiling: { ...ceiling, entitlements: [entitlement] }, durationSeconds: 900, overlapSeconds: 0, recipients: [] },
      signal,
    );
    expect([...Value.Errors(PlanSchema, planFrom(long, parts))]).toEqual([]);
    const agreed = planFrom(long, parts);
    await execute(agreed);
    expect(valueOf((await undo(agreed)).readBack, `${object}/role/${entitlement}`)).toBe('absent');
  });
});
