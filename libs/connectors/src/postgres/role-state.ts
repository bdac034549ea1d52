import type { Ask, Facet, Plan, Step, Undo } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { part } from '../plan-identity.js';
import { membersOf, type Member } from './members.js';
import { listed } from '../plan-text.js';
import type { TargetSession } from './target-session.js';

/**
 * How a login holds a role. PostgreSQL records the grantor of a membership, so what this executor granted is distinguished from what others
 * granted (`standing`), and a REVOKE by the executor cannot remove what others granted (R6.5).
 */
export type Holding = 'absent' | 'granted-by-us' | 'granted-by-us, with admin option' | 'standing' | 'through-another-role';

export interface Pair {
  readonly object: string;
  readonly entitlement: string;
}

/** Oids, which never change and are not reused while in use. Undefined: there is no role with that name. */
export interface Oids {
  readonly login?: string | undefined;
  readonly role?: string | undefined;
  readonly grantor: string;
}

export interface RoleState {
  /** Its current name. */
  readonly name: string;
  readonly canLogin: boolean;
  readonly superuser: boolean;
  readonly attributes: string;
  /** Roles that it has from others; what this executor granted for other cases ends with those. */
  readonly roles: readonly string[];
  readonly members: readonly Member[];
  /** The role itself and every role that it is a member of. */
  readonly reach: readonly string[];
  readonly holding: Holding;
  /** The executor's own grant exists. */
  readonly ours: boolean;
}

export const pairOf = (of: Ask | Step | Undo): Pair => {
  if (of.entitlement === undefined) throw new TargetError(`${of.kind} for ${of.object} names no role`, 'none', 'unsupported');
  return { object: of.object, entitlement: of.entitlement };
};

export const holdingName = (pair: Pair): string => `${part(pair.object)}/role/${part(pair.entitlement)}`;
export const heldWithoutUs = (holding: string): boolean => holding === 'standing' || holding === 'through-another-role';

/** The oids that have these names now. */
export async function oidsOf(session: TargetSession, { object, entitlement }: Pair): Promise<Oids> {
  const [found] = await session.rows<{ login: string | null; role: string | null; grantor: string }>(
    `SELECT (SELECT oid::text FROM pg_roles WHERE rolname = $1) AS login, (SELECT oid::text FROM pg_roles WHERE rolname = $2) AS role,
       oid::text AS grantor FROM pg_roles WHERE rolname = current_user`,
    [object, entitlement],
  );
  if (!found) throw new TargetError('the executor does not see its own role', 'none', 'refused');
  return { login: found.login ?? undefined, role: found.role ?? undefined, grantor: found.grantor };
}

/** Reads one login and its memberships; undefined if the login does not exist. */
export async function readState(session: TargetSession, { login, role, grantor }: Oids): Promise<RoleState | undefined> {
  if (login === undefined) return undefined;
  const [found] = await session.rows<{ name: string; canLogin: boolean; superuser: boolean; attributes: string; effective: boolean }>(
    `SELECT r.rolname AS name, r.rolcanlogin AS "canLogin", r.rolsuper AS superuser,
       concat_ws(',', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolcreaterole THEN 'createrole' END,
         CASE WHEN rolcreatedb THEN 'createdb' END, CASE WHEN rolreplication THEN 'replication' END,
         CASE WHEN rolbypassrls THEN 'bypassrls' END, CASE WHEN NOT rolinherit THEN 'noinherit' END) AS attributes,
       EXISTS (WITH RECURSIVE up(oid) AS (
           SELECT roleid FROM pg_auth_members WHERE member = r.oid AND grantor <> $3::oid
           UNION SELECT m.roleid FROM pg_auth_members m JOIN up ON m.member = up.oid)
         SELECT FROM up WHERE up.oid = $2::oid) AS effective
     FROM pg_roles r WHERE r.oid = $1::oid`,
    [login, role ?? null, grantor],
  );
  if (!found) return undefined;
  const memberships = await session.rows<{ oid: string; name: string; ours: boolean; oursAdmin: boolean; others: boolean; admin: boolean }>(
    `SELECT m.roleid::text AS oid, g.rolname AS name, bool_or(m.grantor = $2::oid) AS ours,
       bool_or(m.grantor = $2::oid AND m.admin_option) AS "oursAdmin",
       bool_or(m.grantor <> $2::oid) AS others, bool_or(m.grantor <> $2::oid AND m.admin_option) AS admin
     FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
     WHERE m.member = $1::oid GROUP BY m.roleid, g.rolname ORDER BY g.rolname COLLATE "C"`,
    [login, grantor],
  );
  const reach = await session.rows<{ name: string }>(
    `WITH RECURSIVE up(oid) AS (SELECT $1::oid UNION SELECT m.roleid FROM pg_auth_members m JOIN up ON m.member = up.oid)
     SELECT g.rolname AS name FROM up JOIN pg_roles g ON g.oid = up.oid ORDER BY g.rolname COLLATE "C"`,
    [role ?? null],
  );
  const direct = memberships.find(({ oid }) => oid === role);
  return {
    name: found.name,
    canLogin: found.canLogin,
    superuser: found.superuser,
    attributes: found.attributes || 'none',
    roles: memberships.filter(({ others }) => others).map(({ name, admin }) => (admin ? `${part(name)} with admin option` : part(name))),
    members: await membersOf(session, [login]),
    reach: reach.map(({ name }) => part(name)),
    ours: direct?.ours ?? false,
    holding: direct?.others
      ? 'standing'
      : found.effective
        ? 'through-another-role'
        : direct === undefined
          ? 'absent'
          : direct.oursAdmin
            ? 'granted-by-us, with admin option'
            : 'granted-by-us',
  };
}

/** Everything that an approval of the grant depends on, and that only the grant itself may change. */
export function facetsOf(pair: Pair, oids: Oids, state: RoleState | undefined): Facet[] {
  const [object, holding] = [part(pair.object), holdingName(pair)];
  const login = state ? (state.canLogin ? 'can-login' : 'no-login') : 'absent';
  return [
    { name: `${object}/login`, value: state && state.name !== pair.object ? `${login}, now named ${state.name}` : login },
    { name: `${object}/login/oid`, value: state ? (oids.login ?? 'none') : 'none' },
    { name: `${object}/attributes`, value: state?.attributes ?? 'none' },
    { name: `${object}/roles`, value: listed(state?.roles ?? []) },
    {
      name: `${object}/members`,
      value: listed((state?.members ?? []).filter(({ canLogin }) => canLogin).map(({ name, oid }) => `${part(name)} ${oid}`)),
    },
    { name: holding, value: state?.holding ?? 'absent' },
    { name: `${holding}/oid`, value: oids.role ?? 'none' },
    { name: `${holding}/reach`, value: listed(state?.reach ?? []) },
  ];
}

export async function readRole(session: TargetSession, ask: Ask): Promise<Facet[]> {
  const pair = pairOf(ask);
  const oids = await oidsOf(session, pair);
  return facetsOf(pair, oids, await readState(session, oids));
}

export function holdingBefore(plan: Plan, pair: Pair): string {
  const found = plan.before.facets.find(({ name }) => name === holdingName(pair));
  if (!found) throw new TargetError(`the plan has no state of ${pair.entitlement} for ${pair.object}: plan again`, 'none', 'refused');
  return found.value;
}
