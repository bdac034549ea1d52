import type { Ask, Facet, Plan } from '@readmit/contracts';
import { TargetError, type Observed, type PlanParts } from '../capability.js';
import { mustSee } from './end-sessions.js';
import type { TargetSession } from './target-session.js';

/**
 * A service account at the target: a NOLOGIN role owns everything, two logins take turns. A new secret is a new login, so old
 * and new are both valid during the overlap and one can be destroyed without touching the other.
 */
export interface ServiceAccount {
  /** How asks name it, e.g. `payroll`. */
  readonly object: string;
  readonly ownerRole: string;
  readonly logins: readonly [string, string];
}

/** `login-expiring`: can log in, and the target ends that by itself (VALID UNTIL). */
export type LoginState = 'absent' | 'no-login' | 'login' | 'login-expiring';

export interface Login {
  readonly name: string;
  readonly state: LoginState;
  readonly oid?: string;
  /** May own what the service account owns. */
  readonly member: boolean;
  /** The executor may alter and drop it. */
  readonly ours: boolean;
}

/** Application name of our own proof of a new secret, so that it is not taken for a consumer. */
export const proofApplication = 'readmit-proof';

export async function readLogins(session: TargetSession, account: ServiceAccount): Promise<readonly Login[]> {
  const found = await session.rows<{ name: string; oid: string; canlogin: boolean; expires: boolean; member: boolean; ours: boolean }>(
    `SELECT r.rolname AS name, r.oid::text, r.rolcanlogin AS canlogin, coalesce(isfinite(r.rolvaliduntil), false) AS expires,
       EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid AND g.rolname = $2) AS member,
       EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
               WHERE m.roleid = r.oid AND me.rolname = current_user AND m.admin_option) AS ours
     FROM pg_roles r WHERE r.rolname = ANY($1)`,
    [account.logins, account.ownerRole],
  );
  return account.logins.map((name) => {
    const login = found.find((row) => row.name === name);
    if (!login) return { name, state: 'absent', member: false, ours: true };
    return {
      name,
      oid: login.oid,
      member: login.member,
      ours: login.ours,
      state: !login.canlogin ? 'no-login' : login.expires ? 'login-expiring' : 'login',
    };
  });
}

export const accountFacets = (account: ServiceAccount, logins: readonly Login[]): Facet[] => [
  {
    name: `${account.object}/current`,
    value:
      logins
        .filter(isCurrent)
        .map(({ name }) => name)
        .join(',') || 'none',
  },
  ...logins.map(({ name, state, member }) => ({ name: `${account.object}/login/${name}`, value: member ? `${state}, owns` : state })),
];

const isCurrent = ({ state, member }: Login): boolean => (state === 'login' || state === 'login-expiring') && member;

export async function readAccount(session: TargetSession, account: ServiceAccount): Promise<Facet[]> {
  await mustSee(session);
  return accountFacets(account, await readLogins(session, account));
}

/** Which login is in use, which one takes over, and that the executor can end both. */
export async function planAccount(
  session: TargetSession,
  ask: Ask,
  account: ServiceAccount,
  options: { readonly overlapSeconds: number; readonly recipients: readonly string[] },
): Promise<PlanParts> {
  if (options.recipients.length === 0)
    throw new TargetError(`nobody could open the new secret of ${account.object}: a recipient key is needed`, 'none', 'refused');
  await mustSee(session);
  const [owner] = await session.rows<{ grantable: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
       WHERE m.roleid = g.oid AND me.rolname = current_user AND m.admin_option) AS grantable FROM pg_roles g WHERE g.rolname = $1`,
    [account.ownerRole],
  );
  if (!owner) throw new TargetError(`owner role ${account.ownerRole} does not exist at the target`, 'none', 'not-found');
  if (!owner.grantable)
    throw new TargetError(`the executor may not grant ${account.ownerRole}: give it the role WITH ADMIN OPTION`, 'none', 'refused');
  const logins = await readLogins(session, account);
  const current = logins.filter(isCurrent);
  if (current.length > 1)
    throw new TargetError(
      `both logins of ${account.object} are valid: an earlier change has not ended, wait for it or destroy one`,
      'none',
      'refused',
    );
  const old = current[0];
  const next = logins.find((login) => login !== old && (login.state === 'absent' || login.state === 'no-login'));
  if (!next)
    throw new TargetError(
      `no login of ${account.object} is free: one of ${account.logins.join(', ')} can log in without owning anything`,
      'none',
      'refused',
    );
  for (const login of old ? [old, next] : [next])
    if (!login.ours)
      throw new TargetError(
        `the executor may not alter ${login.name}: give it the role WITH ADMIN OPTION, INHERIT FALSE, SET FALSE`,
        'none',
        'refused',
      );
  const { connector, object } = ask;
  const after = { afterSeconds: options.overlapSeconds, connector, kind: 'secret.destroy' } as const;
  return {
    steps: [
      {
        kind: 'secret.issue',
        connector,
        object,
        recipients: [...options.recipients],
        says: `Make a new secret for ${object} on login ${next.name}, sealed to its consumers.`,
      },
    ],
    obligations: [
      {
        ...after,
        object: next.name,
        armedBy: 'start',
        unlessTakenOver: true,
        says: `Destroy the new login ${next.name} unless every consumer of ${object} has taken it over.`,
      },
      ...(old
        ? [
            {
              ...after,
              object: old.name,
              armedBy: 'success' as const,
              unlessTakenOver: false,
              says: `Destroy the old login ${old.name} of ${object} and end its sessions.`,
            },
          ]
        : []),
    ],
    removes: old ? [`login ${old.name} and its secret, at the end of the overlap`] : [],
    restores: [`a new secret for ${object} on login ${next.name}`],
    untouched: [`role ${account.ownerRole} and everything it owns`],
    before: accountFacets(account, logins),
  };
}

/** The login that the plan makes, and the one that it ends: both are named by its obligations, which were approved with it. */
export function loginsOfPlan(plan: Plan, connector: string, account: ServiceAccount): { readonly next: string; readonly old?: string } {
  const named = (armedBy: 'start' | 'success'): string | undefined =>
    plan.obligations.find(
      (undo) =>
        undo.kind === 'secret.destroy' && undo.connector === connector && undo.armedBy === armedBy && account.logins.includes(undo.object),
    )?.object;
  const next = named('start');
  const old = named('success');
  if (next === undefined || next === old)
    throw new TargetError(`the plan does not say which login of ${account.object} is made anew: plan again`, 'none', 'refused');
  return old === undefined ? { next } : { next, old };
}

/** Sessions of the new login that are not our own proof: a consumer has taken over. */
export async function observeAccount(session: TargetSession, account: ServiceAccount, login: string): Promise<Observed> {
  const [seen] = await session.rows<{ at: Date | null }>(
    'SELECT min(backend_start) AS at FROM pg_stat_activity WHERE usename = $1 AND application_name <> $2',
    [login, proofApplication],
  );
  return seen?.at ? { used: { at: seen.at.toISOString() }, consumers: [account.object] } : {};
}
