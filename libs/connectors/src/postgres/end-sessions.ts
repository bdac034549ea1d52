import { TargetError } from '../capability.js';
import type { TargetSession } from './target-session.js';

/**
 * Throws unless this connection sees what it must see: its own role, its own right to end sessions, its own session, and the
 * start times of others. Only after that does "absent" or "no session" mean anything (TARGETS 11).
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
      'the executor does not see its own role, right or session, so absence proves nothing: grant it pg_signal_backend and pg_read_all_stats',
      'none',
      'refused',
    );
}

/**
 * Ends every session of the role that began before now, and returns how many once none of them is left. MUST run after the
 * right or the login was taken away and committed: a session keeps what it had (SET ROLE, an open login) until it ends.
 */
export async function endSessions(session: TargetSession, roleOid: string, signal: AbortSignal): Promise<number> {
  const [mark] = await session.rows<{ now: string }>('SELECT clock_timestamp()::text AS now');
  const old = 'FROM pg_stat_activity WHERE usesysid = $1::oid AND backend_start <= $2::timestamptz AND pid <> pg_backend_pid()';
  const ended = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    if (signal.aborted) break;
    const found = await session.rows<{ pid: number }>(`SELECT pid ${old}`, [roleOid, mark?.now]);
    if (found.length === 0) return ended.size;
    session.touched();
    // All are told first, then waited for, so that many sessions do not add their waiting times up.
    for (const { pid } of found) ended.add(pid);
    await session.rows(`SELECT pg_terminate_backend(pid) ${old}`, [roleOid, mark?.now]);
    await session.rows(`SELECT pg_terminate_backend(pid, 500) ${old} LIMIT 4`, [roleOid, mark?.now]);
  }
  throw new TargetError('sessions were told to end and are still there: the undo is not finished', 'unknown', 'timeout');
}
