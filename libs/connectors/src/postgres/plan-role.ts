import type { Ask, Identity } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { TargetError } from '../connector.js';
import { mustSee } from './end-sessions.js';
import { grantParts } from '../grant-parts.js';
import { holdId } from '../plan-identity.js';
import { membersIdentity } from './identity.js';
import { memberWarnings } from './members.js';
import { sentence, sentences } from '../plan-text.js';
import { facetsOf, heldWithoutUs, holdingName, oidsOf, pairOf, readState, type Oids, type Pair } from './role-state.js';
import type { TargetSession } from './target-session.js';

/** Refuses what must not be granted or could not be ended. */
export async function mustBeGrantable(
  session: TargetSession,
  { object, entitlement }: Pair,
  { role, login, grantor }: Oids,
  reserved: ReadonlySet<string>,
): Promise<void> {
  if (reserved.has(object) || reserved.has(entitlement))
    throw new TargetError(
      `${object} or ${entitlement} belongs to a service account: use secret.reissue or secret.rotate`,
      'none',
      'unsupported',
    );
  if (role === undefined) throw new TargetError(`role ${entitlement} does not exist at the target`, 'none', 'not-found');
  if (login === grantor) throw new TargetError(`${object} is the executor's own login: nothing can be granted to it`, 'none', 'refused');
  const [found] = await session.rows<{ canLogin: boolean; grantable: boolean }>(
    `SELECT g.rolcanlogin AS "canLogin",
       EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = g.oid AND m.member = $2::oid AND m.admin_option) AS grantable
     FROM pg_roles g WHERE g.oid = $1::oid`,
    [role, grantor],
  );
  if (!found) throw new TargetError(`role ${entitlement} does not exist at the target`, 'none', 'not-found');
  if (found.canLogin) throw new TargetError(`${entitlement} can log in: only roles that cannot log in are granted`, 'none', 'refused');
  if (!found.grantable)
    throw new TargetError(
      `the executor may not grant ${entitlement}: give it the role WITH ADMIN OPTION, INHERIT FALSE, SET FALSE`,
      'none',
      'refused',
    );
}

/** Roles that the login has already are listed as untouched; one that it has from others needs no step and gets no obligation. */
export async function planRole(
  session: TargetSession,
  ask: Ask,
  options: { readonly durationSeconds: number; readonly reserved: ReadonlySet<string> },
): Promise<PlanParts> {
  const pair = pairOf(ask);
  await mustSee(session);
  const oids = await oidsOf(session, pair);
  await mustBeGrantable(session, pair, oids, options.reserved);
  const state = await readState(session, oids);
  const { connector, object } = ask;
  const { entitlement } = pair;
  const { login, role, grantor } = oids;
  if (!state || login === undefined || role === undefined)
    throw new TargetError(`login ${object} does not exist at the target`, 'none', 'not-found');
  if (!state.canLogin) throw new TargetError(`${object} cannot log in at the target: a role would restore nothing`, 'none', 'refused');
  if (state.superuser) throw new TargetError(`${object} is a superuser: the executor could not end its sessions`, 'none', 'refused');
  const untouched = sentences(
    state.roles.map((held) => `${object} keeps ${held}`),
    `roles that ${object} keeps`,
  );
  const before = facetsOf(pair, oids, state);
  if (heldWithoutUs(state.holding)) return { steps: [], obligations: [], removes: [], restores: [], untouched, before };
  const identity: Identity[] = [
    { name: 'login', value: login },
    { name: 'role', value: role },
    { name: 'grantor', value: grantor },
    ...membersIdentity(
      state.members.map(({ oid }) => oid),
      object,
    ),
  ];
  const given = { connector, object, entitlement, identity, hold: holdId(connector, 'role.grant', role, login) };
  return {
    ...grantParts(given, {
      touches: [holdingName(pair)],
      says: sentence(`Grant ${entitlement} to ${object}, without the right to pass it on.`),
      undoSays: sentence(
        `Revoke ${entitlement} from ${object} and from everyone who got it from there, and end the sessions that could use it.`,
      ),
      durationSeconds: options.durationSeconds,
    }),
    removes: [],
    restores: [sentence(`${object} may use ${entitlement} for ${options.durationSeconds} s`)],
    untouched,
    warnings: [
      ...memberWarnings(object, entitlement, state.members),
      `What is made under ${entitlement} meanwhile stays after the end: functions with SECURITY DEFINER, views, grants, other objects.`,
    ].map(sentence),
    before,
  };
}
