import { escapeIdentifier } from 'pg';
import { TargetError } from '../connector.js';
import { tellToEnd } from './end-sessions.js';
import { membersOf } from './members.js';
import type { TargetSession } from './target-session.js';

/** One membership: PostgreSQL keeps one for each grantor. */
export interface MembershipOids {
  readonly login: string;
  readonly role: string;
  readonly grantor: string;
}

/** Revokes our membership with all that was handed on from it; returns who had it handed on, and who can use what those have. */
export async function revokeMembership(session: TargetSession, planned: MembershipOids, ended: Set<number>): Promise<readonly string[]> {
  const names = await namesOf(session, planned);
  if (!names) return [];
  const before = await membershipsOf(session, planned.role);
  await session.rows(
    `REVOKE ${escapeIdentifier(names.role)} FROM ${escapeIdentifier(names.login)} GRANTED BY ${escapeIdentifier(names.grantor)} CASCADE`,
  );
  const after = new Set((await membershipsOf(session, planned.role)).map(({ oid }) => oid));
  const gone = before.filter(({ oid }) => !after.has(oid));
  // A name that changed hands between our look and the statement: another's membership went. Nothing is committed then.
  if (!gone.some(({ member, grantor }) => member === planned.login && grantor === planned.grantor))
    throw new TargetError(`the target does not show that ${names.role} was revoked from ${names.login}`, 'none', 'changed');
  const handedOn = handedOnBy(planned.login, gone);
  if (handedOn.length === 0) return [];
  const reached = [...handedOn, ...(await oidsOfMembers(session, handedOn))];
  // Who they are is known here alone: told before the commit, so that nobody of them is forgotten when we die after it.
  await tellToEnd(session, reached, ended);
  return reached;
}

/** Whoever had it from the login, from somebody who had it from the login, and so on. */
function handedOnBy(login: string, gone: readonly { readonly member: string; readonly grantor: string }[]): string[] {
  const chain = new Set([login]);
  // A set gives what is added while it is walked.
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

/** What the three are called at this moment, as long as our membership is there. */
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
