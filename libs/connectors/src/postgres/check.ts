/** `connector check` at PostgreSQL: reads the catalogue in a session that the server keeps from writing. */
import { DatabaseError } from 'pg';
import {
  CheckList,
  clockResult,
  encryption,
  missing,
  ok,
  tooMuch,
  wrong,
  type CheckOptions,
  type CheckResult,
  type Found,
} from '../check.js';
import { mustSee } from './end-sessions.js';
import type { ServiceAccount } from './service-account.js';
import { withSession, type SessionOptions, type TargetSession } from './target-session.js';

const oldestVersion = 170_000;
const see = 'See "Rights of the executor at PostgreSQL" in docs/targets.md.';
const checks = ['version', 'clock', 'canary', 'end sessions', 'roles', 'service accounts', 'attributes'] as const;
/** Roles that the executor needs to end sessions; it uses them itself. */
const ownRoles = ['pg_signal_backend', 'pg_read_all_stats'];
const logParameters = ['log_statement', 'log_min_duration_statement', 'log_min_error_statement'];

/** A role that the executor is a member of. */
interface Membership {
  readonly name: string;
  readonly admin: boolean;
  /** It may use what the role may: by itself, or by SET ROLE. */
  readonly uses: boolean;
  readonly canLogin: boolean;
}
interface Self {
  readonly name: string;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly others: string[];
  readonly owned: number;
}

export async function checkPostgres(
  options: SessionOptions,
  accounts: readonly ServiceAccount[],
  { now }: CheckOptions,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const list = new CheckList();
  let connected = false;
  try {
    await withSession(options, signal, async (session) => {
      connected = true;
      list.add('connection', encryption(options.address.tls !== false));
      list.add('credentials', ok(`signed in as ${options.address.user}`));
      // From here on the server itself refuses every change.
      await session.rows('SET default_transaction_read_only = on');
      await inSession(list, session, accounts, now);
    });
  } catch (error) {
    if (!connected)
      list.notConnected(error, {
        credentials:
          'Set the password of the executor with \\password in psql, and put the same into url. Percent-encode @ : / ? # % in it.',
        tls: 'Name the authority of the certificate with sslrootcert in url, and use the host name that is in the certificate.',
        isCredentials:
          error instanceof Error && error.cause instanceof DatabaseError ? /^28/.test(error.cause.code ?? '') : /SCRAM/.test(String(error)),
      });
    else await list.run('connection', 'The connection was lost during the check: run it again.', () => Promise.reject(error as Error));
    list.skip(checks.filter((check) => !list.results.some((one) => one.check === check)));
  }
  return list.results;
}

async function inSession(list: CheckList, session: TargetSession, accounts: readonly ServiceAccount[], now: () => Date): Promise<void> {
  const before = now();
  const [server] = await session.rows<{ version: number; text: string; now: Date }>(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS text, clock_timestamp() AS now",
  );
  const after = now();
  if (!server) throw new Error('this is a bug: PostgreSQL showed no version');
  list.add(
    'version',
    server.version >= oldestVersion ? ok(server.text) : wrong(`the server is PostgreSQL ${server.text}`, 'Upgrade it to 17 or newer.'),
  );
  list.add('clock', clockResult(server.now, before, after));
  const self = await selfOf(session);
  const held = await membershipsOf(session);
  list.add('canary', self ? ok('sees its own role') : missing('the executor does not see its own role', see));
  await list.run('end sessions', `GRANT ${ownRoles.join(', ')} TO ${self?.name ?? 'the executor'};`, async () => {
    await mustSee(session);
    return ok();
  });
  list.add('roles', ...roleResults(held, accounts, self));
  list.add('service accounts', ...(await accountResults(session, held, accounts, self)));
  list.add('attributes', ...attributeResults(self, accounts));
}

async function selfOf(session: TargetSession): Promise<Self | undefined> {
  const [self] = await session.rows<Self>(
    `SELECT rolname AS name, rolsuper AS superuser, rolcreaterole AS "createRole",
       array_remove(ARRAY[CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
         CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) AS others,
       (SELECT count(*)::int FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid AND deptype = 'o') AS owned
     FROM pg_roles r WHERE rolname = current_user`,
  );
  return self;
}

const membershipsOf = (session: TargetSession): Promise<Membership[]> =>
  session.rows<Membership>(
    `SELECT g.rolname AS name, bool_or(m.admin_option) AS admin, bool_or(m.inherit_option OR m.set_option) AS uses, g.rolcanlogin AS "canLogin"
     FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
     WHERE r.rolname = current_user GROUP BY g.rolname, g.rolcanlogin ORDER BY g.rolname COLLATE "C"`,
  );

function roleResults(held: readonly Membership[], accounts: readonly ServiceAccount[], self: Self | undefined): readonly Found[] {
  const executor = self?.name ?? 'the executor';
  const ofAccounts = new Set(accounts.flatMap(({ ownerRole, logins }) => [ownerRole, ...logins]));
  const others = held.filter(({ name }) => !ownRoles.includes(name));
  const given = others.filter(({ name, admin, canLogin }) => admin && !canLogin && !ofAccounts.has(name)).map(({ name }) => name);
  const used = others.filter(({ uses }) => uses);
  const logins = others.filter(({ name, admin, canLogin }) => admin && canLogin && !ofAccounts.has(name));
  const faults = [
    ...used.map(({ name, admin }) =>
      tooMuch(
        `${executor} may use ${name} itself`,
        admin ? `GRANT ${name} TO ${executor} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;` : `REVOKE ${name} FROM ${executor};`,
      ),
    ),
    ...logins.map(({ name }) =>
      tooMuch(
        `${executor} may change the login ${name}, which belongs to no service account in the targets file`,
        `Add it to accounts, or REVOKE ${name} FROM ${executor};`,
      ),
    ),
    ...held
      .filter(({ name, admin }) => admin && ownRoles.includes(name))
      .map(({ name }) => tooMuch(`${executor} may pass on ${name}`, `REVOKE ADMIN OPTION FOR ${name} FROM ${executor};`)),
  ];
  if (given.length === 0 && accounts.length === 0)
    faults.push(
      missing(
        `there is no role that ${executor} may give back, and no service account in the targets file`,
        `GRANT <role> TO ${executor} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;`,
      ),
    );
  return faults.length > 0 ? faults : [ok(given.length > 0 ? `may give back ${given.join(', ')}` : 'may give back none')];
}

async function accountResults(
  session: TargetSession,
  held: readonly Membership[],
  accounts: readonly ServiceAccount[],
  self: Self | undefined,
): Promise<readonly Found[]> {
  if (accounts.length === 0) return [ok('none in the targets file')];
  const executor = self?.name ?? 'the executor';
  const faults: Found[] = [];
  if (self?.createRole === false) faults.push(missing(`${executor} may not create logins`, `ALTER ROLE ${executor} CREATEROLE;`));
  const parameters = await session.rows<{ name: string }>(
    "SELECT name FROM unnest($1::text[]) AS p (name) WHERE NOT has_parameter_privilege(current_user, name, 'SET')",
    [logParameters],
  );
  if (parameters.length > 0) {
    const names = parameters.map(({ name }) => name).join(', ');
    faults.push(missing(`${executor} may not keep secrets out of the log`, `GRANT SET ON PARAMETER ${names} TO ${executor};`));
  }
  const wanted = accounts.flatMap(({ ownerRole, logins }) => [ownerRole, ...logins]);
  const found = await session.rows<{ name: string; canLogin: boolean }>(
    'SELECT rolname AS name, rolcanlogin AS "canLogin" FROM pg_roles WHERE rolname = ANY($1)',
    [wanted],
  );
  const roles = new Map(found.map((one) => [one.name, one]));
  for (const { object, ownerRole, logins } of accounts) {
    if (!roles.has(ownerRole)) faults.push(missing(`the owner role ${ownerRole} of ${object} does not exist`, `CREATE ROLE ${ownerRole};`));
    else if (roles.get(ownerRole)?.canLogin === true)
      faults.push(wrong(`the owner role ${ownerRole} of ${object} can log in`, `ALTER ROLE ${ownerRole} NOLOGIN;`));
    // A login that does not exist yet is created by the executor, which may change what it created.
    for (const name of [ownerRole, ...logins])
      if (roles.has(name) && !held.some((one) => one.name === name && one.admin))
        faults.push(
          missing(
            `${executor} may not ${name === ownerRole ? 'grant' : 'change'} ${name} of ${object}`,
            `GRANT ${name} TO ${executor} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;`,
          ),
        );
  }
  return faults.length > 0 ? faults : [ok(`may change the secrets of ${accounts.map(({ object }) => object).join(', ')}`)];
}

function attributeResults(self: Self | undefined, accounts: readonly ServiceAccount[]): readonly Found[] {
  if (!self) return [{ result: 'not checked' }];
  const { name, superuser, createRole, others, owned } = self;
  const faults = [
    ...(superuser ? [tooMuch(`${name} is a superuser`, `ALTER ROLE ${name} NOSUPERUSER;`)] : []),
    ...(createRole && accounts.length === 0
      ? [tooMuch(`${name} may create roles, which only service accounts need`, `ALTER ROLE ${name} NOCREATEROLE;`)]
      : []),
    ...others.map((attribute) => tooMuch(`${name} has ${attribute}`, `ALTER ROLE ${name} NO${attribute};`)),
    ...(owned > 0
      ? [tooMuch(`${name} owns ${owned} objects of the database`, `REASSIGN OWNED BY ${name} TO <another role>; in each database.`)]
      : []),
  ];
  return faults.length > 0 ? faults : [ok()];
}
