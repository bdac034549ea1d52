/**
 * The end (VALID UNTIL) that a case sets at the old login of a service account, and the one that the login had before. A note of both
 * stands on the old login itself: whatever becomes of the new one, the old one can get back what it had.
 */
import type { Undo } from '@readmit/contracts';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { TargetError } from '../connector.js';
import { tellToEnd } from './end-sessions.js';
import { plannedOid } from './identity.js';
import { readEnd, withEnd, withoutEnd } from './login-mark.js';
import { isoInstant, loginsByOid, type Login, type ServiceAccount } from './service-account.js';
import type { TargetSession } from './target-session.js';

/**
 * The target's own end of the old login, by its clock, so long after now as its obligation says. An end that comes earlier is kept, so
 * repeating does not extend it.
 */
export async function setEnd(session: TargetSession, account: ServiceAccount, old: Undo, caseId: string): Promise<void> {
  const oid = plannedOid(old.identity, 'login');
  const [end] = await session.rows<{ until: string; earlier: boolean }>(
    `SELECT ${isoInstant('(now() + make_interval(secs => $2))')} AS until,
       now() + make_interval(secs => $2) < coalesce(rolvaliduntil, 'infinity') AS earlier FROM pg_roles WHERE oid = $1::oid`,
    [oid, old.afterSeconds],
  );
  const [login] = await loginsByOid(session, account, [oid]);
  if (!end || !login) throw new TargetError('the old login is gone since the plan was made', 'unknown', 'changed');
  if (!end.earlier) return;
  const { until } = end;
  // An end that is ours still is not the one that the login had before.
  const note = readEnd(login.comment);
  const was = note?.until === endOf(login) ? note.was : endOf(login);
  // Sessions of a secret that ends at once end with it, and none of them keeps it by a change of its password that is never committed.
  if (old.afterSeconds === 0) await tellToEnd(session, [oid], new Set());
  await write(session, account, login, { until, comment: withEnd({ caseId, until, was }, login.comment) });
}

/** The old login gets back the end that it had before the case, unless somebody else has set another one since. */
export async function giveBackEnd(session: TargetSession, account: ServiceAccount, old: Undo, caseId: string): Promise<void> {
  const [login] = await loginsByOid(session, account, [plannedOid(old.identity, 'login')]);
  const note = login && readEnd(login.comment);
  if (!login || note?.caseId !== caseId) return;
  const comment = withoutEnd(login.comment);
  await write(session, account, login, note.until === endOf(login) ? { until: note.was, comment } : { comment });
}

const endOf = ({ until }: Login): string => until ?? 'none';

/** Both or neither, by the name that the login has now, and read back by oid: the name could change hands between our look and the statement. */
async function write(
  session: TargetSession,
  account: ServiceAccount,
  { oid, name }: Login & { readonly oid: string },
  { until, comment }: { readonly until?: string; readonly comment: string },
): Promise<void> {
  const login = escapeIdentifier(name);
  await session.transaction(async () => {
    if (until !== undefined) await session.rows(`ALTER ROLE ${login} VALID UNTIL ${escapeLiteral(until === 'none' ? 'infinity' : until)}`);
    await session.rows(`COMMENT ON ROLE ${login} IS ${escapeLiteral(comment)}`);
    const [now] = await loginsByOid(session, account, [oid]);
    if (now?.comment !== comment || (until !== undefined && endOf(now) !== until))
      throw new TargetError(`the target does not show the end of ${name} as it was written`, 'none', 'changed');
  });
}
