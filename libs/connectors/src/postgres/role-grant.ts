import type { Facet, Plan, Step, Undo } from '@readmit/contracts';
import { escapeIdentifier } from 'pg';
import { TargetError, type StepResult, type UndoResult } from '../connector.js';
import { mustBeAsPlanned } from '../as-planned.js';
import { endSessions, mustSee } from './end-sessions.js';
import { plannedMembers, plannedOid } from './identity.js';
import { oidsOfMembers, revokeMembership, type MembershipOids } from './revoke-membership.js';
import { mustBeGrantable } from './plan-role.js';
import { facetsOf, heldWithoutUs, holdingBefore, holdingName, oidsOf, pairOf, readState, type Oids, type Pair } from './role-state.js';
import type { TargetSession } from './target-session.js';

const plannedOids = ({ identity }: Step | Undo): MembershipOids => ({
  login: plannedOid(identity, 'login'),
  role: plannedOid(identity, 'role'),
  grantor: plannedOid(identity, 'grantor'),
});

/** Grants the one role and reads it back in the same transaction. */
export async function grantRole(session: TargetSession, step: Step, plan: Plan, reserved: ReadonlySet<string>): Promise<StepResult> {
  const pair = pairOf(step);
  const planned = plannedOids(step);
  await mustSee(session);
  const after = await session.transaction(async () => {
    const found = await asPlanned(session, pair, planned, plan);
    await mustBeGrantable(session, pair, planned, reserved);
    if (!found.grant) return found.facets;
    await session.rows(
      `GRANT ${escapeIdentifier(pair.entitlement)} TO ${escapeIdentifier(pair.object)} WITH ADMIN FALSE, INHERIT TRUE, SET TRUE`,
    );
    // Names could be reused between the read and the statement: read again, by oid and by name.
    const read = await asPlanned(session, pair, planned, plan);
    if (read.grant) throw new TargetError(`${pair.object} does not have ${pair.entitlement} after the grant`, 'none', 'refused');
    return read.facets;
  });
  return { after, sealed: [] };
}

/** Throws unless everything that the grant does not change is as in the plan, and the names are still those of the same roles. */
async function asPlanned(
  session: TargetSession,
  pair: Pair,
  planned: MembershipOids,
  plan: Plan,
): Promise<{ readonly grant: boolean; readonly facets: Facet[] }> {
  const oids: Oids = await oidsOf(session, pair);
  const state = await readState(session, oids);
  const facets = facetsOf(pair, oids, state);
  mustBeAsPlanned(plan, facets, [holdingName(pair)]);
  if (!state || oids.login !== planned.login || oids.role !== planned.role || oids.grantor !== planned.grantor)
    throw new TargetError(
      `${pair.object}, ${pair.entitlement} or the executor is not the same role as when the plan was made`,
      'none',
      'changed',
    );
  const before = holdingBefore(plan, pair);
  if (heldWithoutUs(before) !== heldWithoutUs(state.holding))
    throw new TargetError(
      `${pair.entitlement} of ${pair.object} was "${before}" when the plan was made and is "${state.holding}" now`,
      'none',
      'changed',
    );
  return { grant: !heldWithoutUs(before) && state.holding === 'absent', facets };
}

/**
 * Revokes only what the step added, then ends the sessions of the login, its members and everyone it was passed on to, then reads back; all
 * by oid. Revokes first: a session that starts after the commit cannot get the role, one that started before keeps it (SET ROLE) until it
 * is ended. Sessions are ended even if the revocation fails.
 */
export async function revokeRole(session: TargetSession, undo: Undo, plan: Plan, signal: AbortSignal): Promise<UndoResult> {
  const pair = pairOf(undo);
  const planned = plannedOids(undo);
  await mustSee(session);
  const readBack = async (): Promise<Facet[]> => facetsOf(pair, planned, await readState(session, planned));
  if (heldWithoutUs(holdingBefore(plan, pair))) return { readBack: await readBack(), sessionsEnded: 0 };
  const ended = new Set<number>();
  const reached = new Set([planned.login, ...plannedMembers(undo.identity), ...(await oidsOfMembers(session, [planned.login]))]);
  let failed: unknown;
  try {
    for (const oid of await session.transaction(() => revokeMembership(session, planned, ended))) reached.add(oid);
  } catch (error) {
    failed = error;
  }
  await endSessions(session, [...reached], signal, ended);
  if (failed !== undefined) throw failed;
  await mustSee(session);
  const read = await readState(session, planned);
  if (read?.ours)
    throw new TargetError(`${pair.object} still has ${pair.entitlement} from the executor after the revocation`, 'unknown', 'refused');
  if (read?.superuser)
    throw new TargetError(`${read.name} has become a superuser: its sessions cannot be ended, end them by hand`, 'unknown', 'refused');
  return { readBack: await readBack(), sessionsEnded: ended.size };
}
