import type { Facet, Plan } from '@readmit/contracts';
import { TargetError, type Observed } from '../connector.js';
import { part } from '../plan-identity.js';
import { readMark } from './login-mark.js';
import { membersOf, type Member } from './members.js';
import { listed } from '../plan-text.js';
import type { TargetSession } from './target-session.js';

/**
 * A service account at the target: a NOLOGIN role owns everything, two logins alternate. A new secret is a new login, so old and new are
 * both valid during the overlap and either can be destroyed without touching the other.
 */
export interface ServiceAccount {
  /** The name that asks use, e.g. `payroll`. */
  readonly object: string;
  readonly ownerRole: string;
  readonly logins: readonly [string, string];
}

/** `login-expiring`: can log in until the target ends that (VALID UNTIL). */
export type LoginState = 'absent' | 'no-login' | 'login' | 'login-expiring';

export interface Login {
  /** As configured, or the current name of a login that was looked up by oid or mark. */
  readonly name: string;
  readonly state: LoginState;
  readonly oid?: string;
  /** VALID UNTIL as an ISO instant in UTC with microseconds; absent if it does not expire. */
  readonly until?: string;
  /** Is a member of the owner role. */
  readonly member: boolean;
  /** The executor may alter and drop it. */
  readonly ours: boolean;
  /** The executor created it, or a superuser granted it to the executor: so nobody else could have forged the mark on it. */
  readonly trusted: boolean;
  readonly comment: string;
}
export interface LoginWithMembers extends Login {
  /** Roles that can use the privileges of the login. */
  readonly members: readonly Member[];
}

/** Application name of the executor's own test of a new secret, so that it does not count as a consumer. */
export const proofApplication = 'readmit-proof';

/** An instant in a form that PostgreSQL parses independently of DateStyle and time zone. */
export const isoInstant = (sql: string): string => `to_char(${sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** The first superuser: PostgreSQL records it as grantor of what a superuser or CREATE ROLE grants, and of nothing else. */
const bootstrapSuperuser = 10;

const loginsWhere = (condition: string): string => `
  SELECT r.oid::text, r.rolname AS name, r.rolcanlogin AS "canLogin", coalesce(shobj_description(r.oid, 'pg_authid'), '') AS comment,
    CASE WHEN isfinite(r.rolvaliduntil) THEN ${isoInstant('r.rolvaliduntil')} END AS until,
    EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid AND g.rolname = $2) AS member,
    EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
            WHERE m.roleid = r.oid AND me.rolname = current_user AND m.admin_option) AS ours,
    EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
            WHERE m.roleid = r.oid AND me.rolname = current_user AND m.admin_option AND m.grantor = ${bootstrapSuperuser}) AS trusted
  FROM pg_roles r WHERE ${condition} ORDER BY r.oid`;

interface Row {
  readonly oid: string;
  readonly name: string;
  readonly canLogin: boolean;
  readonly comment: string;
  readonly until: string | null;
  readonly member: boolean;
  readonly ours: boolean;
  readonly trusted: boolean;
}

const loginOf = ({ until, canLogin, ...row }: Row): Login & { readonly oid: string } => ({
  ...row,
  ...(until === null ? {} : { until }),
  state: !canLogin ? 'no-login' : until === null ? 'login' : 'login-expiring',
});

/** The current state of the account's two configured logins. */
export async function readLogins(session: TargetSession, account: ServiceAccount): Promise<readonly LoginWithMembers[]> {
  const found = await session.rows<Row>(loginsWhere('r.rolname = ANY($1)'), [account.logins, account.ownerRole]);
  const logins: LoginWithMembers[] = [];
  for (const name of account.logins) {
    const row = found.find((one) => one.name === name);
    logins.push(
      row
        ? { ...loginOf(row), members: await membersOf(session, [row.oid]) }
        : { name, state: 'absent', member: false, ours: true, trusted: true, comment: '', members: [] },
    );
  }
  return logins;
}

/** Logins by oid, whatever their current names. */
export async function loginsByOid(session: TargetSession, account: ServiceAccount, oids: readonly string[]) {
  const found = await session.rows<Row>(loginsWhere('r.oid = ANY($1::oid[])'), [oids, account.ownerRole]);
  return found.map(loginOf);
}

/**
 * Logins that this case created or took over for the account, whatever their current names. A mark counts only on a login that the executor
 * created itself and on the one in the plan, because others can write comments too.
 */
export async function loginsOfCase(
  session: TargetSession,
  account: ServiceAccount,
  { caseId, planned }: { readonly caseId: string; readonly planned: string | undefined },
) {
  const found = await session.rows<Row>(loginsWhere("shobj_description(r.oid, 'pg_authid') LIKE $1"), ['readmit %', account.ownerRole]);
  return found.filter((row) => madeBy(row, account, caseId) && (row.trusted || row.oid === planned)).map(loginOf);
}

/** Open members of the owner role that a case could have created or taken over and that have no case's mark. */
export async function openWithoutMark(
  session: TargetSession,
  account: ServiceAccount,
  { owner, planned }: { readonly owner: string; readonly planned: string | undefined },
) {
  const found = await session.rows<Row>(
    loginsWhere('r.rolcanlogin AND r.oid IN (SELECT m.member FROM pg_auth_members m WHERE m.roleid = $1::oid)'),
    [owner, account.ownerRole],
  );
  return found.filter(({ comment, trusted, oid }) => !readMark(comment) && (trusted || oid === planned)).map(loginOf);
}

export function madeBy({ comment }: Pick<Login, 'comment'>, account: ServiceAccount, caseId: string): boolean {
  const mark = readMark(comment);
  return mark?.caseId === caseId && mark.account === account.object;
}

export const currentOf = <L extends Login>(logins: readonly L[]): readonly L[] =>
  logins.filter(({ state, member }) => (state === 'login' || state === 'login-expiring') && member);

export async function ownerOid(session: TargetSession, account: ServiceAccount): Promise<string | undefined> {
  const [owner] = await session.rows<{ oid: string }>('SELECT oid::text FROM pg_roles WHERE rolname = $1', [account.ownerRole]);
  return owner?.oid;
}

/** Names of the facets of one login. */
export const facetNames = (account: ServiceAccount, login: string) => {
  const name = `${part(account.object)}/login/${part(login)}`;
  return { state: name, oid: `${name}/oid`, until: `${name}/valid-until`, members: `${name}/members` };
};
export const currentName = (account: ServiceAccount): string => `${part(account.object)}/current`;

export function accountFacets(account: ServiceAccount, owner: string | undefined, logins: readonly LoginWithMembers[]): Facet[] {
  return [
    {
      name: currentName(account),
      value: listed(currentOf(logins).map(({ name }) => part(name))),
    },
    { name: `${part(account.object)}/owner/oid`, value: owner ?? 'none' },
    ...logins.flatMap(({ name, state, member, oid, until, members }) => {
      const names = facetNames(account, name);
      return [
        { name: names.state, value: member ? `${state}, owns` : state },
        { name: names.oid, value: oid ?? 'none' },
        { name: names.until, value: until ?? 'none' },
        {
          name: names.members,
          value: listed(members.filter(({ canLogin }) => canLogin).map((one) => `${part(one.name)} ${one.oid}`)),
        },
      ];
    }),
  ];
}

export async function readAccount(session: TargetSession, account: ServiceAccount): Promise<Facet[]> {
  return accountFacets(account, await ownerOid(session, account), await readLogins(session, account));
}

/** The login that the plan creates and the one that it destroys: both are in its obligations, which were approved with it. */
export function loginsOfPlan(plan: Plan, connector: string, account: ServiceAccount) {
  const named = (armedBy: 'start' | 'success') =>
    plan.obligations.find(
      (undo) =>
        undo.kind === 'secret.destroy' && undo.connector === connector && undo.armedBy === armedBy && account.logins.includes(undo.object),
    );
  const next = named('start');
  const old = named('success');
  if (next === undefined || next.object === old?.object)
    throw new TargetError(`the plan does not name the new login of ${account.object}: plan again`, 'none', 'refused');
  return old === undefined ? { next } : { next, old };
}

/**
 * A session of the new login, other than the executor's test, shows that it is in use. It has taken over only once no session of the old
 * login is left: of ten instances with the secret, the first one to reconnect tells nothing about the others.
 */
export async function observeAccount(
  session: TargetSession,
  account: ServiceAccount,
  { caseId, planned, oldOid }: { readonly caseId: string; readonly planned: string | undefined; readonly oldOid: string | undefined },
): Promise<Observed> {
  const made = await loginsOfCase(session, account, { caseId, planned });
  const [seen] = await session.rows<{ at: Date | null; old: boolean }>(
    `SELECT min(backend_start) FILTER (WHERE usesysid = ANY($1::oid[]) AND application_name <> $3) AS at,
       coalesce(bool_or(usesysid = $2::oid), false) AS old FROM pg_stat_activity`,
    [made.map(({ oid }) => oid), oldOid ?? null, proofApplication],
  );
  const { object } = account;
  return seen?.at ? { object, used: { at: seen.at.toISOString() }, takenOver: !seen.old } : { object };
}
