/**
 * The end (VALID UNTIL) that a case sets on the old login of a service account. A note on the login has it and the previous one, so that the
 * old login can be restored whatever happens to the new one.
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
 * Sets the native end of the old login, by the target's clock, to the time of its obligation from now. An earlier end stays, so repeating
 * does not extend it.
 */
export async function setEnd(session: TargetSession, account: ServiceAccount, old: Undo, caseId: string): Promise<void> {
  const oid = plannedOid(old.identity, 'login');
  const [end] = await session.rows<{ until: string; earlier: boolean }>(
    `SELECT ${isoInstant('(now() + make_interval(secs => $2))')} AS until,
       now() + make_interval(secs => $2) < coalesce(rolvaliduntil, 'infinity') AS earlier FROM pg_roles WHERE oid = $1::oid`,
    [oid, old.afterSeconds],
  );
  const [login] = await loginsByOid(session, account, [oid]);
  if (!end || !login) throw new TargetError('the old login no longer exists', 'unknown', 'changed');
  if (!end.earlier) return;
  const { until } = end;
  // If the current end was set by a case, the previous one is in the note.
  const note = readEnd(login.comment);
  const was = note?.until === endOf(login) ? note.was : endOf(login);
  // If it ends at once, so do its sessions, and none of them can lock the login by an uncommitted change of its password.
  if (old.afterSeconds === 0) await tellToEnd(session, [oid], new Set());
  await write(session, account, login, { until, comment: withEnd({ caseId, until, was }, login.comment) });
}

/** Restores the end that the old login had before the case, unless someone else has set another one since. */
export async function giveBackEnd(session: TargetSession, account: ServiceAccount, old: Undo, caseId: string): Promise<void> {
  const [login] = await loginsByOid(session, account, [plannedOid(old.identity, 'login')]);
  const note = login && readEnd(login.comment);
  if (!login || note?.caseId !== caseId) return;
  const comment = withoutEnd(login.comment);
  await write(session, account, login, note.until === endOf(login) ? { until: note.was, comment } : { comment });
}

const endOf = ({ until }: Login): string => until ?? 'none';

/** Writes both or neither, by the login's current name, and reads back by oid: the name could be reused between the read and the statement. */
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
      throw new TargetError(`the end of ${name} at the target is not as it was written`, 'none', 'changed');
  });
}
