import { escapeIdentifier } from 'pg';
import { TargetError } from '../connector.js';
import { tellToEnd } from './end-sessions.js';
import { membersOf } from './members.js';
import type { TargetSession } from './target-session.js';

/** One membership: PostgreSQL has one for each grantor. */
export interface MembershipOids {
  readonly login: string;
  readonly role: string;
  readonly grantor: string;
}

/** Revokes the executor's membership and all that were granted from it; returns the roles that had one of those, and their members. */
export async function revokeMembership(session: TargetSession, planned: MembershipOids, ended: Set<number>): Promise<readonly string[]> {
  const names = await namesOf(session, planned);
  if (!names) return [];
  const before = await membershipsOf(session, planned.role);
  await session.rows(
    `REVOKE ${escapeIdentifier(names.role)} FROM ${escapeIdentifier(names.login)} GRANTED BY ${escapeIdentifier(names.grantor)} CASCADE`,
  );
  const after = new Set((await membershipsOf(session, planned.role)).map(({ oid }) => oid));
  const gone = before.filter(({ oid }) => !after.has(oid));
  // If a name was reused between the read and the statement, another membership was revoked: nothing is committed.
  if (!gone.some(({ member, grantor }) => member === planned.login && grantor === planned.grantor))
    throw new TargetError(`${names.role} was not revoked from ${names.login}`, 'none', 'changed');
  const handedOn = handedOnBy(planned.login, gone);
  if (handedOn.length === 0) return [];
  const reached = [...handedOn, ...(await oidsOfMembers(session, handedOn))];
  // Only this transaction knows who they are: told to end before the commit, so that none is missed after a crash.
  await tellToEnd(session, reached, ended);
  return reached;
}

/** Roles that had it from the login, directly or through others. */
function handedOnBy(login: string, gone: readonly { readonly member: string; readonly grantor: string }[]): string[] {
  const chain = new Set([login]);
  // Iterating a set includes what is added meanwhile.
  for (const from of chain) for (const { member, grantor } of gone) if (grantor === from) chain.add(member);
  chain.delete(login);
  return [...chain];
}

export const oidsOfMembers = async (session: TargetSession, oids: readonly string[]): Promise<string[]> =>
  (await membersOf(session, oids)).map(({ oid }) => oid);

const membershipsOf = (session: TargetSession, role: string) =>
  session.rows<{ oid: string; member: string; grantor: string }>(
    'SELECT oid::text, member::text, grantor::text FROM pg_auth_members WHERE roleid = $1::oid',
    [role],
  );

/** Current names of the three roles, if the membership exists. */
async function namesOf(
  session: TargetSession,
  { role, login, grantor }: MembershipOids,
): Promise<{ readonly role: string; readonly login: string; readonly grantor: string } | undefined> {
  const [names] = await session.rows<{ role: string; login: string; grantor: string }>(
    `SELECT r.rolname AS role, l.rolname AS login, g.rolname AS grantor
     FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles l ON l.oid = m.member JOIN pg_roles g ON g.oid = m.grantor
     WHERE m.roleid = $1::oid AND m.member = $2::oid AND m.grantor = $3::oid`,
    [role, login, grantor],
  );
  return names;
}
