import { TargetError } from '../connector.js';
import type { TargetSession } from './target-session.js';

/**
 * Throws unless this connection sees what must exist: its own role, its own right to end sessions, its own session, and the start times of
 * others. Otherwise "absent" or "no session" may only mean that the connection cannot see it.
 */
export async function mustSee(session: TargetSession): Promise<void> {
  const [seen] = await session.rows<{ me: boolean; member: boolean; alive: boolean; starts: boolean }>(`
    SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = current_user) AS me,
      EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
              WHERE g.rolname = 'pg_signal_backend' AND r.rolname = current_user) AS member,
      EXISTS (SELECT FROM pg_stat_activity WHERE pid = pg_backend_pid() AND usename = current_user) AS alive,
      pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS starts`);
  if (!seen?.me || !seen.member || !seen.alive || !seen.starts)
    throw new TargetError(
      'the executor does not see its own role, membership or session, so absence proves nothing: grant it pg_signal_backend and pg_read_all_stats',
      'none',
      'refused',
    );
}

/** The executor cannot end sessions of superusers: a plan warns about them. */
const ofRoles = `FROM pg_stat_activity a WHERE a.usesysid = ANY($1::oid[]) AND a.pid <> pg_backend_pid()
  AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid AND r.rolsuper)`;

/**
 * Ends every session of the roles that started before now, and returns their number once none is left. MUST run after the revocation was
 * committed: a session keeps what it had (SET ROLE, an open login) until it ends. By oid, because a session of a dropped role has no name.
 * `ended`: sessions that were told to end already.
 */
export async function endSessions(
  session: TargetSession,
  oids: readonly string[],
  signal: AbortSignal,
  ended = new Set<number>(),
): Promise<number> {
  // Seconds since 1970: exact and independent of DateStyle and time zone ("IST" is parsed as another zone than it was written in).
  const [mark] = await session.rows<{ now: string }>('SELECT extract(epoch FROM clock_timestamp())::text AS now');
  const old = `${ofRoles} AND extract(epoch FROM a.backend_start) <= $2::numeric`;
  for (let round = 0; round < 5; round += 1) {
    if (signal.aborted) break;
    const found = await session.rows<{ pid: number }>(`SELECT a.pid ${old}`, [oids, mark?.now]);
    if (found.length === 0) return ended.size;
    session.touched();
    // All are told to end before any is waited for, so that the waiting times of many sessions do not add up.
    for (const { pid } of found) ended.add(pid);
    await session.rows(`SELECT pg_terminate_backend(a.pid) ${old}`, [oids, mark?.now]);
    await session.rows(`SELECT pg_terminate_backend(a.pid, 500) ${old} LIMIT 4`, [oids, mark?.now]);
  }
  throw new TargetError('sessions were told to end and are still open: the undo is not finished', 'unknown', 'timeout');
}

/** Tells the sessions of the roles to end, without waiting. */
export async function tellToEnd(session: TargetSession, oids: readonly string[], ended: Set<number>): Promise<void> {
  if (oids.length === 0) return;
  const told = await session.rows<{ pid: number }>(`SELECT a.pid, pg_terminate_backend(a.pid) ${ofRoles}`, [oids]);
  for (const { pid } of told) ended.add(pid);
  if (told.length > 0) session.touched();
}
