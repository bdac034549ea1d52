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
  /** What the step created, as recorded at its success; empty after a crash. */
  readonly made: readonly Identity[];
}

/**
 * Destroys the login that this case created, or the old one in its plan: closes it, ends its sessions and those of every role that can use
 * it, drops it, and reads back; all by oid. Closing is committed before sessions are ended, otherwise a consumer could reconnect in
 * between. A login with the same name that another case created is left alone.
 */
export async function destroySecret(session: TargetSession, destroy: Destroy, signal: AbortSignal): Promise<UndoResult> {
  const { account, undo, plan, caseId } = destroy;
  await mustSee(session);
  const oids = await oidsToDestroy(session, destroy);
  const ended = new Set<number>();
  if (oids.length > 0) {
    const reached = [...oids, ...plannedMembers(undo.identity), ...(await oidsOfMembers(session, oids))];
    await session.transaction(async () => {
      // A session of the login may lock it by an uncommitted change of its own password.
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
    // Only if the step did not succeed: otherwise the old login is to be destroyed, and containing the case must not open it again to
    // anyone who has its secret. And only after the new login: nothing about the old one may keep the new secret alive.
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

/** The old login by its planned oid, unless another case has taken it over since it was closed; of new ones, those with this case's mark or recorded as created by it. */
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
  // A login that existed before the case and was taken over by another case since has that case's mark.
  const others = (await loginsByOid(session, account, recorded)).filter(
    (login) => readMark(login.comment) && !madeBy(login, account, caseId),
  );
  const marked = (await loginsOfCase(session, account, { caseId, planned })).map(({ oid }) => oid);
  return [...new Set([...recorded, ...marked])].filter((oid) => !others.some((login) => login.oid === oid));
}

/**
 * The mark of a login that this executor created may be lost together with its record. Throws as long as there is a login that could be it:
 * only a person can tell whose secret it has.
 */
async function mustHaveNothingOpen(session: TargetSession, account: ServiceAccount, undo: Undo, old: Undo | undefined): Promise<void> {
  const { identity } = undo;
  const open = await openWithoutMark(session, account, { owner: plannedOid(identity, 'owner'), planned: plannedValue(identity, 'login') });
  const one = open.find(({ oid }) => oid !== plannedValue(old?.identity, 'login'));
  if (one)
    throw new TargetError(
      `${one.name} can log in for ${account.object} and its comment names no case, so this case may have created it: drop it, or mark it as yours with the comment "readmit case=none account=${account.object}"`,
      'unknown',
      'changed',
    );
}

/** Prevents new sessions. */
async function close(session: TargetSession, account: ServiceAccount, oids: readonly string[]): Promise<void> {
  for (const { name } of await loginsByOid(session, account, oids))
    await session.rows(`ALTER ROLE ${escapeIdentifier(name)} NOLOGIN PASSWORD NULL`);
  // If the login was renamed just now, nothing is committed, and the retry finds the new name.
  const open = (await loginsByOid(session, account, oids)).find(({ state }) => state !== 'no-login');
  if (open) throw new TargetError(`${open.name} was not closed: it still can log in`, 'none', 'changed');
}

/**
 * A login that owns something or was created by someone else cannot be dropped: it stays closed and without a password. Returns the roles
 * to which the login had passed on the owner role.
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
      throw new TargetError(`${name} still exists after it was dropped`, 'none', 'changed');
  }
  return reached;
}
