import type { Facet, Identity, Plan, Undo } from '@readmit/contracts';
import { DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';
import { TargetError, type UndoResult } from '../capability.js';
import { endSessions, mustSee } from './end-sessions.js';
import { part, plannedMembers, plannedOid, plannedValue } from './identity.js';
import { readMark, takenBy } from './login-mark.js';
import { oidsOfMembers, revokeMembership } from './revoke-membership.js';
import {
  accountFacets,
  facetNames,
  loginsByOid,
  loginsOfCase,
  madeBy,
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
  const { account, undo } = destroy;
  await mustSee(session);
  const oids = await oidsToDestroy(session, destroy);
  const ended = new Set<number>();
  if (oids.length > 0) {
    const reached = [...oids, ...plannedMembers(undo.identity), ...(await oidsOfMembers(session, oids))];
    await session.transaction(() => close(session, destroy, oids));
    await endSessions(session, reached, signal, ended);
    reached.push(...(await session.transaction(() => drop(session, destroy, oids, ended))));
    // A login that was just passing its authentication has no name in pg_stat_activity once the role is dropped.
    await endSessions(session, reached, signal, ended);
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

/** Nobody can begin with it any more. The old login gets back the end that it had, unless somebody else has set another one since. */
async function close(session: TargetSession, { account, undo, plan, caseId }: Destroy, oids: readonly string[]): Promise<void> {
  for (const login of await loginsByOid(session, account, oids)) {
    await session.rows(`ALTER ROLE ${escapeIdentifier(login.name)} NOLOGIN PASSWORD NULL`);
    if (undo.armedBy === 'start' && madeBy(login, account, caseId)) await restoreEnd(session, account, plan, login.comment);
  }
  // A name that changed hands just now: nothing is committed, and the next try finds the new name.
  const open = (await loginsByOid(session, account, oids)).find(({ state }) => state !== 'no-login');
  if (open) throw new TargetError(`the target does not show that ${open.name} was closed`, 'none', 'changed');
}

async function restoreEnd(session: TargetSession, account: ServiceAccount, plan: Plan, comment: string): Promise<void> {
  const shortened = readMark(comment)?.shortened;
  if (!shortened) return;
  const [old] = await loginsByOid(session, account, [shortened.oid]);
  const name = plan.obligations.find(
    (undo) => undo.armedBy === 'success' && undo.identity?.some(({ value }) => value === shortened.oid),
  )?.object;
  if (!old || name === undefined || old.until !== shortened.until) return;
  const before = plan.before.facets.find((facet) => facet.name === facetNames(account, name).until)?.value;
  if (before === undefined) return;
  await session.rows(`ALTER ROLE ${escapeIdentifier(old.name)} VALID UNTIL ${escapeLiteral(before === 'none' ? 'infinity' : before)}`);
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
