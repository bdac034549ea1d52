import { createHash } from 'node:crypto';
import type { Ask, Facet, Plan, Step, Undo } from '@readmit/contracts';
import { escapeIdentifier } from 'pg';
import { TargetError, type PlanParts, type StepResult, type UndoResult } from '../capability.js';
import { endSessions, mustSee } from './end-sessions.js';
import type { TargetSession } from './target-session.js';

/**
 * How a login holds a role. PostgreSQL keeps who granted a membership, so what this executor granted (`granted-by-us`) is
 * told from what others granted (`standing`), and a REVOKE by the executor cannot take away what others gave (R6.5).
 */
export type Holding = 'absent' | 'granted-by-us' | 'standing' | 'through-another-role';

interface RoleState {
  readonly oid: string;
  readonly canLogin: boolean;
  readonly superuser: boolean;
  readonly roles: readonly string[];
  readonly holding: Holding;
  readonly ours: boolean;
}

interface Pair {
  readonly object: string;
  readonly entitlement: string;
}

const holdingName = (pair: Pair): string => `${pair.object}/role/${pair.entitlement}`;

/** Reads one login and its memberships; undefined: the login does not exist. */
async function readState(session: TargetSession, { object, entitlement }: Pair): Promise<RoleState | undefined> {
  const [login] = await session.rows<{ oid: string; canlogin: boolean; superuser: boolean; effective: boolean }>(
    `SELECT r.oid::text, r.rolcanlogin AS canlogin, r.rolsuper AS superuser,
       EXISTS (WITH RECURSIVE up(oid) AS (
           SELECT roleid FROM pg_auth_members WHERE member = r.oid UNION SELECT m.roleid FROM pg_auth_members m JOIN up ON m.member = up.oid)
         SELECT FROM up JOIN pg_roles g ON g.oid = up.oid WHERE g.rolname = $2) AS effective
     FROM pg_roles r WHERE r.rolname = $1`,
    [object, entitlement],
  );
  if (!login) return undefined;
  const members = await session.rows<{ role: string; ours: boolean; others: boolean }>(
    `SELECT g.rolname AS role, bool_or(b.rolname IS NOT DISTINCT FROM current_user) AS ours, bool_or(b.rolname IS DISTINCT FROM current_user) AS others
     FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid LEFT JOIN pg_roles b ON b.oid = m.grantor
     WHERE m.member = $1::oid GROUP BY g.rolname ORDER BY g.rolname COLLATE "C"`,
    [login.oid],
  );
  const direct = members.find(({ role }) => role === entitlement);
  const holding = direct ? (direct.others ? 'standing' : 'granted-by-us') : login.effective ? 'through-another-role' : 'absent';
  return {
    oid: login.oid,
    canLogin: login.canlogin,
    superuser: login.superuser,
    roles: members.map(({ role }) => role),
    holding,
    ours: direct?.ours ?? false,
  };
}

function facetsOf(pair: Pair, state: RoleState | undefined): Facet[] {
  const list = state?.roles.join(',') ?? '';
  return [
    { name: `${pair.object}/login`, value: state ? (state.canLogin ? 'can-login' : 'no-login') : 'absent' },
    // A facet holds 2000 characters; what does not fit is still compared, by its digest.
    {
      name: `${pair.object}/roles`,
      value: list.length <= 2000 ? list : `${state?.roles.length} roles, sha256 ${createHash('sha256').update(list).digest('hex')}`,
    },
    { name: holdingName(pair), value: state?.holding ?? 'absent' },
  ];
}

function pairOf(of: Ask | Step | Undo): Pair {
  if (of.entitlement === undefined) throw new TargetError(`${of.kind} for ${of.object} names no role`, 'none', 'unsupported');
  return { object: of.object, entitlement: of.entitlement };
}

/** Refuses what may not be granted or could not be ended again. */
async function mustBeGrantable(session: TargetSession, { object, entitlement }: Pair, reserved: ReadonlySet<string>): Promise<void> {
  if (reserved.has(object) || reserved.has(entitlement))
    throw new TargetError(
      `${object} and ${entitlement}: roles of service accounts are restored by secret.reissue only`,
      'none',
      'unsupported',
    );
  const [role] = await session.rows<{ canlogin: boolean; grantable: boolean; self: boolean }>(
    `SELECT g.rolcanlogin AS canlogin, current_user = $2 AS self,
       EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles me ON me.oid = m.member
               WHERE m.roleid = g.oid AND me.rolname = current_user AND m.admin_option) AS grantable
     FROM pg_roles g WHERE g.rolname = $1`,
    [entitlement, object],
  );
  if (!role) throw new TargetError(`role ${entitlement} does not exist at the target`, 'none', 'not-found');
  if (role.self) throw new TargetError(`${object} is the executor's own login: nothing can be restored to it`, 'none', 'refused');
  if (role.canlogin) throw new TargetError(`${entitlement} is somebody's login, not a role to grant`, 'none', 'refused');
  if (!role.grantable)
    throw new TargetError(
      `the executor may not grant ${entitlement}: give it the role WITH ADMIN OPTION, INHERIT FALSE, SET FALSE`,
      'none',
      'refused',
    );
}

export async function readRole(session: TargetSession, ask: Ask): Promise<Facet[]> {
  await mustSee(session);
  const pair = pairOf(ask);
  return facetsOf(pair, await readState(session, pair));
}

/** What she holds already is listed as untouched; a role that she holds without us needs no step and gets no obligation. */
export async function planRole(
  session: TargetSession,
  ask: Ask,
  options: { readonly durationSeconds: number; readonly reserved: ReadonlySet<string> },
): Promise<PlanParts> {
  const pair = pairOf(ask);
  await mustSee(session);
  await mustBeGrantable(session, pair, options.reserved);
  const state = await readState(session, pair);
  const { connector, object } = ask;
  const { entitlement } = pair;
  if (!state) throw new TargetError(`login ${object} does not exist at the target`, 'none', 'not-found');
  if (!state.canLogin) throw new TargetError(`${object} may not log in at the target: a role would restore nothing`, 'none', 'refused');
  if (state.superuser) throw new TargetError(`${object} is a superuser: the executor could not end its sessions`, 'none', 'refused');
  const needed = !heldWithoutUs(state.holding);
  return {
    steps: needed
      ? [
          {
            kind: 'role.grant',
            connector,
            object,
            entitlement,
            recipients: [],
            says: `Grant ${entitlement} to ${object}, without the right to pass it on.`,
          },
        ]
      : [],
    obligations: needed
      ? [
          {
            kind: 'role.revoke',
            connector,
            object,
            entitlement,
            armedBy: 'start',
            unlessTakenOver: false,
            afterSeconds: options.durationSeconds,
            says: `Revoke ${entitlement} from ${object} and end her open sessions.`,
          },
        ]
      : [],
    removes: [],
    restores: needed ? [`${object} may use ${entitlement} for ${options.durationSeconds} s`] : [],
    untouched: state.roles.filter((role) => (needed ? role !== entitlement : true)).map((role) => `${object} keeps ${role}`),
    before: facetsOf(pair, state),
  };
}

const heldWithoutUs = (holding: string): boolean => holding === 'standing' || holding === 'through-another-role';

function holdingBefore(plan: Plan, pair: Pair): string {
  const found = plan.before.facets.find(({ name }) => name === holdingName(pair));
  if (!found)
    throw new TargetError(`the plan does not say whether ${pair.object} held ${pair.entitlement} before: plan again`, 'none', 'refused');
  return found.value;
}

/** Grants the one role and reads it back in the same transaction. */
export async function grantRole(session: TargetSession, step: Step, plan: Plan, reserved: ReadonlySet<string>): Promise<StepResult> {
  const pair = pairOf(step);
  const before = holdingBefore(plan, pair);
  await mustSee(session);
  await mustBeGrantable(session, pair, reserved);
  const after = await session.transaction(async () => {
    const now = await readState(session, pair);
    if (!now) throw new TargetError(`login ${pair.object} is gone since the plan was made`, 'none', 'changed');
    if (heldWithoutUs(before) !== heldWithoutUs(now.holding))
      throw new TargetError(
        `${pair.object} held ${pair.entitlement} as "${before}" when the plan was made, now it is "${now.holding}"`,
        'none',
        'changed',
      );
    if (heldWithoutUs(before) || now.holding === 'granted-by-us') return facetsOf(pair, now);
    await session.rows(
      `GRANT ${escapeIdentifier(pair.entitlement)} TO ${escapeIdentifier(pair.object)} WITH ADMIN FALSE, INHERIT TRUE, SET TRUE`,
    );
    const read = await readState(session, pair);
    if (read?.holding !== 'granted-by-us')
      throw new TargetError(`the target does not show ${pair.entitlement} for ${pair.object} after the grant`, 'none', 'refused');
    return facetsOf(pair, read);
  });
  return { after, sealed: [] };
}

/**
 * Takes away only what our step added, then ends the login's sessions, then reads back. Revoke first: a session that begins
 * after the commit cannot get the role, one that began before keeps it (SET ROLE) until it is ended.
 */
export async function revokeRole(session: TargetSession, undo: Undo, plan: Plan, signal: AbortSignal): Promise<UndoResult> {
  const pair = pairOf(undo);
  const before = holdingBefore(plan, pair);
  await mustSee(session);
  const found = await readState(session, pair);
  if (!found || heldWithoutUs(before)) return { readBack: facetsOf(pair, found), sessionsEnded: 0 };
  if (found.ours)
    await session.transaction(() => session.rows(`REVOKE ${escapeIdentifier(pair.entitlement)} FROM ${escapeIdentifier(pair.object)}`));
  const sessionsEnded = await endSessions(session, found.oid, signal);
  await mustSee(session);
  const read = await readState(session, pair);
  if (read?.ours)
    throw new TargetError(`${pair.object} still holds ${pair.entitlement} from us after the revocation`, 'unknown', 'refused');
  return { readBack: facetsOf(pair, read), sessionsEnded };
}
