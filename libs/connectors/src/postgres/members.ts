import type { TargetSession } from './target-session.js';

export interface Member {
  readonly oid: string;
  readonly name: string;
  readonly canLogin: boolean;
  readonly superuser: boolean;
}

/**
 * Roles that can use the privileges of the given ones: members and their members, by memberships that inherit or may SET ROLE. Without the
 * executor, which may only grant.
 */
export function membersOf(session: TargetSession, oids: readonly string[]): Promise<readonly Member[]> {
  return session.rows<Member>(
    `WITH RECURSIVE down(oid) AS (
       SELECT member FROM pg_auth_members WHERE roleid = ANY($1::oid[]) AND (inherit_option OR set_option)
       UNION SELECT m.member FROM pg_auth_members m JOIN down ON m.roleid = down.oid WHERE m.inherit_option OR m.set_option)
     SELECT r.oid::text, r.rolname AS name, r.rolcanlogin AS "canLogin", r.rolsuper AS superuser
     FROM down JOIN pg_roles r ON r.oid = down.oid
     WHERE r.rolname <> current_user AND r.oid <> ALL($1::oid[]) ORDER BY r.rolname COLLATE "C"`,
    [oids],
  );
}

/** Warnings for an approver: who else gains access, and whose sessions cannot be ended. */
export function memberWarnings(of: string, what: string, members: readonly Member[]): string[] {
  const logins = members.filter(({ canLogin }) => canLogin);
  const ended = logins.filter(({ superuser }) => !superuser).map(({ name }) => name);
  const kept = logins.filter(({ superuser }) => superuser).map(({ name }) => name);
  return [
    ...(ended.length > 0 ? [`${short(ended)} can use ${of} and so gets ${what} too: those sessions end with the sessions of ${of}.`] : []),
    ...(kept.length > 0
      ? [`${short(kept)} can use ${of} and so gets ${what} too: a superuser's sessions cannot be ended, end them by hand.`]
      : []),
  ];
}

/** The first few names, because texts are bounded. */
const short = (names: readonly string[]): string =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
