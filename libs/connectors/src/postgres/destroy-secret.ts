import type { Facet, Identity, Plan, Undo } from '@readmit/contracts';
import { DatabaseError, escapeIdentifier } from 'pg';
import { TargetError, type UndoResult } from '../connector.js';
import { endSessions, mustSee, tellToEnd } from './end-sessions.js';
import { part, plannedValue } from '../plan-identity.js';
import { plannedMembers, plannedOid } from './identity.js';
import { readMark, takenBy } from './login-mark.js';
import { giveBackEnd } from './old-login-end.js';
import { oidsOfMembers, revokeMembership } from './revoke-membership.js';
import {
  accountFacets,
  loginsByOid,
  loginsOfCase,
  loginsOfPlan,
  madeBy,
  openWithoutMark,
  ownerOid,
  readLogins,
  type ServiceAccount,
} from './service-account.js';
import type { TargetSession } from './target-session.js';

interface Destroy {
  readonly account: ServiceAccount;
  readonly undo: Undo;
  readonly caseId: string;
  readonly plan: Plan;
  /** What the step made, as it was recorded at its success; after a crash nothing is on record. */
  readonly made: readonly Identity[];
}

/**
 * Destroys what this case made, or the old login that its plan names: closes it, ends its sessions and those of whoever can use it,
 * drops it, reads back; all by oid. Closing is committed before sessions are ended, else a consumer that reconnects would slip in
 * between. A login that another case made under that name is left alone.
 */
export async function destroySecret(session: TargetSession, destroy: Destroy, signal: AbortSignal): Promise<UndoResult> {
  const { account, undo, plan, caseId } = destroy;
  await mustSee(session);
  const oids = await oidsToDestroy(session, destroy);
  const ended = new Set<number>();
  if (oids.length > 0) {
    const reached = [...oids, ...plannedMembers(undo.identity), ...(await oidsOfMembers(session, oids))];
    await session.transaction(async () => {
      // Whoever is logged in may hold the login by a change of its own password that is never committed.
      await tellToEnd(session, reached, ended);
      await close(session, account, oids);
    });
    await endSessions(session, reached, signal, ended);
    reached.push(...(await session.transaction(() => drop(session, destroy, oids, ended))));
    // A login that was just passing its authentication has no name in pg_stat_activity once the role is dropped.
    await endSessions(session, reached, signal, ended);
  }
  if (undo.armedBy === 'start') {
    const { old } = loginsOfPlan(plan, undo.connector, account);
    // Only when the step did not succeed: after that the old login is the one to be rid of, and a case that is contained must not open it
    // again to whoever has its secret. And only after the new login: nothing about the old one may keep the new secret alive.
    if (old && destroy.made.length === 0) await giveBackEnd(session, account, old, caseId);
    if (oids.length === 0) await mustHaveNothingOpen(session, account, undo, old);
  }
  await mustSee(session);
  const left = await loginsByOid(session, account, oids);
  const open = left.find(({ state }) => state !== 'no-login');
  if (open) throw new TargetError(`${open.name} can still log in after it was destroyed`, 'unknown', 'refused');
  const readBack: Facet[] = accountFacets(account, await ownerOid(session, account), await readLogins(session, account));
  const value =
    oids.length === 0
      ? 'not made'
      : oids.map((oid) => (left.some((login) => login.oid === oid) ? `${oid} closed` : `${oid} gone`)).join(',');
  return { readBack: [...readBack, { name: `${part(account.object)}/destroyed/${part(undo.object)}`, value }], sessionsEnded: ended.size };
}

/** The old login by its planned oid, unless another case has taken it into use since it was closed; of new ones those that bear this case's mark or were recorded as made by it. */
async function oidsToDestroy(session: TargetSession, { account, undo, caseId, made }: Destroy): Promise<readonly string[]> {
  if (undo.armedBy === 'success') {
    const oid = plannedOid(undo.identity, 'login');
    const before = plannedValue(undo.identity, 'taken-by');
    const [old] = await loginsByOid(session, account, [oid]);
    const another =
      old && before !== undefined && readMark(old.comment) && !madeBy(old, account, caseId) && takenBy(old.comment) !== before;
    return another ? [] : [oid];
  }
  const planned = plannedValue(undo.identity, 'login');
  const recorded = made.filter(({ name }) => name === 'login').map(({ value }) => value);
  // A login that was there before the case and was taken by another one since bears that one's mark.
  const others = (await loginsByOid(session, account, recorded)).filter(
    (login) => readMark(login.comment) && !madeBy(login, account, caseId),
  );
  const marked = (await loginsOfCase(session, account, { caseId, planned })).map(({ oid }) => oid);
  return [...new Set([...recorded, ...marked])].filter((oid) => !others.some((login) => login.oid === oid));
}

/**
 * The mark of a login that we made may be lost together with the record of it. Throws while there is a login that this could be: only a
 * person can tell whether its secret is ours.
 */
async function mustHaveNothingOpen(session: TargetSession, account: ServiceAccount, undo: Undo, old: Undo | undefined): Promise<void> {
  const { identity } = undo;
  const open = await openWithoutMark(session, account, { owner: plannedOid(identity, 'owner'), planned: plannedValue(identity, 'login') });
  const one = open.find(({ oid }) => oid !== plannedValue(old?.identity, 'login'));
  if (one)
    throw new TargetError(
      `${one.name} can log in for ${account.object} and its comment names no case, so this case may have made it: drop it, or say that it is yours by the comment "readmit case=none account=${account.object}"`,
      'unknown',
      'changed',
    );
}

/** Nobody can begin with it any more. */
async function close(session: TargetSession, account: ServiceAccount, oids: readonly string[]): Promise<void> {
  for (const { name } of await loginsByOid(session, account, oids))
    await session.rows(`ALTER ROLE ${escapeIdentifier(name)} NOLOGIN PASSWORD NULL`);
  // A name that changed hands just now: nothing is committed, and the next try finds the new name.
  const open = (await loginsByOid(session, account, oids)).find(({ state }) => state !== 'no-login');
  if (open) throw new TargetError(`the target does not show that ${open.name} was closed`, 'none', 'changed');
}

/**
 * A login that owns something or that somebody else made cannot be dropped: it stays closed and without a password. Returns who had
 * the owner role handed on from it.
 */
async function drop(session: TargetSession, { account, undo }: Destroy, oids: readonly string[], ended: Set<number>): Promise<string[]> {
  const [role, grantor] = [plannedOid(undo.identity, 'owner'), plannedOid(undo.identity, 'grantor')];
  const reached: string[] = [];
  for (const { oid, name } of await loginsByOid(session, account, oids)) {
    reached.push(...(await revokeMembership(session, { login: oid, role, grantor }, ended)));
    await session.rows('SAVEPOINT before_drop');
    try {
      await session.rows(`DROP ROLE ${escapeIdentifier(name)}`);
    } catch (error) {
      if (!(error instanceof DatabaseError) || !['2BP01', '42501'].includes(error.code ?? '')) throw error;
      await session.rows('ROLLBACK TO SAVEPOINT before_drop');
      continue;
    }
    if ((await loginsByOid(session, account, [oid])).length > 0)
      throw new TargetError(`the target does not show that ${name} was dropped`, 'none', 'changed');
  }
  return reached;
}
