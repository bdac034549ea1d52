import type { Ask, Identity } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { TargetError } from '../connector.js';
import { mustSee } from './end-sessions.js';
import { holdId } from '../plan-identity.js';
import { membersIdentity } from './identity.js';
import { takenBy } from './login-mark.js';
import { memberWarnings } from './members.js';
import { sentence } from '../plan-text.js';
import {
  accountFacets,
  currentName,
  currentOf,
  facetNames,
  ownerOid,
  readLogins,
  type Login,
  type LoginWithMembers,
  type ServiceAccount,
} from './service-account.js';
import type { TargetSession } from './target-session.js';

/** Plans which login is next and which one is destroyed, and checks that the executor can end both. */
export async function planAccount(
  session: TargetSession,
  ask: Ask,
  account: ServiceAccount,
  options: { readonly overlapSeconds: number; readonly durationSeconds: number; readonly recipients: readonly string[] },
): Promise<PlanParts> {
  if (options.recipients.length === 0)
    throw new TargetError(`the new secret of ${account.object} needs a recipient key to be sealed to`, 'none', 'refused');
  await mustSee(session);
  const owner = await grantableOwner(session, account);
  const logins = await readLogins(session, account);
  const { old, next } = turnsOf(account, logins);
  const { connector, object } = ask;
  const { durationSeconds } = options;
  // A dead or stolen secret must end at once; a rotated one may be valid for the duration of the case.
  const overlap = ask.kind === 'secret.rotate' ? Math.min(options.overlapSeconds, durationSeconds) : 0;
  const identity: Identity[] = [
    { name: 'owner', value: owner.oid },
    { name: 'grantor', value: owner.executor },
    ...(next.oid === undefined ? [] : [{ name: 'login', value: next.oid }]),
  ];
  const hold = holdId(connector, 'secret', account.object);
  const destroys = { connector, kind: 'secret.destroy' } as const;
  const when = overlap === 0 ? 'at once after the new one is in place' : `${overlap} s after the new one is in place`;
  const owned = old?.oid === undefined ? 0 : await ownedBy(session, old.oid);
  const touched = [next, ...(old ? [old] : [])].map(({ name }) => facetNames(account, name));
  return {
    steps: [
      {
        kind: 'secret.issue',
        connector,
        object,
        recipients: [...options.recipients],
        identity,
        hold,
        touches: [
          currentName(account),
          ...touched.flatMap(({ state, until }) => [state, until]),
          ...touched.slice(0, 1).map(({ oid }) => oid),
        ],
        says: sentence(`Make a new secret for ${object} on login ${next.name}, sealed to its consumers.`),
      },
    ],
    obligations: [
      {
        ...destroys,
        object: next.name,
        identity,
        hold,
        armedBy: 'start',
        unlessTakenOver: true,
        afterSeconds: durationSeconds,
        says: sentence(
          `Destroy the new login ${next.name} after ${durationSeconds} s, unless every consumer of ${object} has taken it over.`,
        ),
      },
      ...(old?.oid === undefined
        ? []
        : [
            {
              ...destroys,
              object: old.name,
              identity: [
                { name: 'login', value: old.oid },
                { name: 'taken-by', value: takenBy(old.comment) },
                { name: 'owner', value: owner.oid },
                { name: 'grantor', value: owner.executor },
                ...membersIdentity(
                  old.members.map(({ oid }) => oid),
                  old.name,
                ),
              ],
              hold,
              armedBy: 'success' as const,
              unlessTakenOver: false,
              afterSeconds: overlap,
              says: sentence(`Destroy the old login ${old.name} of ${object} ${when}, and end its sessions.`),
            },
          ]),
    ],
    removes: old ? [sentence(`login ${old.name} and its secret, ${when}`)] : [],
    restores: [sentence(`a new secret for ${object} on login ${next.name}`)],
    untouched: [
      `role ${account.ownerRole} and everything it owns`,
      ...(old && owned > 0 ? [`what login ${old.name} owns itself, ${owned} objects: it is closed and not dropped`] : []),
    ].map(sentence),
    warnings: [
      ...(old ? whatEnds(account, old, next, { when, owned, overlap }) : []),
      ...(old ? memberWarnings(old.name, `what ${account.ownerRole} owns`, old.members) : []),
      ...memberWarnings(next.name, `what ${account.ownerRole} owns`, next.members),
      `What is made with the new secret stays when login ${next.name} is destroyed: functions with SECURITY DEFINER, views, grants, other objects.`,
    ].map(sentence),
    before: accountFacets(account, owner.oid, logins),
  };
}

const whatEnds = (
  account: ServiceAccount,
  old: Login,
  next: Login,
  { when, owned, overlap }: { readonly when: string; readonly owned: number; readonly overlap: number },
): string[] => [
  overlap === 0
    ? `Every session of ${old.name} ends ${when}, whether its consumers have the new secret by then or not.`
    : `Every session of ${old.name} ends ${when} at the latest, and earlier once ${next.name} is in use and ${old.name} has no session left.`,
  ...(owned > 0
    ? [`${old.name} itself owns ${owned} objects, not ${account.ownerRole}: ${next.name} can use them only as far as it is granted.`]
    : []),
];

async function grantableOwner(
  session: TargetSession,
  account: ServiceAccount,
): Promise<{ readonly oid: string; readonly executor: string }> {
  const oid = await ownerOid(session, account);
  if (oid === undefined) throw new TargetError(`owner role ${account.ownerRole} does not exist at the target`, 'none', 'not-found');
  const [me] = await session.rows<{ oid: string; grantable: boolean }>(
    `SELECT me.oid::text, EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = $1::oid AND m.member = me.oid AND m.admin_option) AS grantable
     FROM pg_roles me WHERE me.rolname = current_user`,
    [oid],
  );
  if (!me?.grantable)
    throw new TargetError(`the executor may not grant ${account.ownerRole}: give it the role WITH ADMIN OPTION`, 'none', 'refused');
  return { oid, executor: me.oid };
}

function turnsOf(
  account: ServiceAccount,
  logins: readonly LoginWithMembers[],
): { readonly old: LoginWithMembers | undefined; readonly next: LoginWithMembers } {
  const current = currentOf(logins);
  if (current.length > 1)
    throw new TargetError(
      `both logins of ${account.object} are valid: an earlier change has not ended, wait for it or destroy one`,
      'none',
      'refused',
    );
  const old = current[0];
  const next = logins.find((login) => login !== old && (login.state === 'absent' || login.state === 'no-login'));
  if (!next)
    throw new TargetError(
      `no login of ${account.object} is free: one of ${account.logins.join(', ')} can log in without owning anything`,
      'none',
      'refused',
    );
  for (const login of old ? [old, next] : [next])
    if (!login.ours)
      throw new TargetError(
        `the executor may not alter ${login.name}: give it the role WITH ADMIN OPTION, INHERIT FALSE, SET FALSE`,
        'none',
        'refused',
      );
  return { old, next };
}

/** Number of objects in all databases of the cluster that the login itself owns. */
async function ownedBy(session: TargetSession, oid: string): Promise<number> {
  const [owned] = await session.rows<{ count: number }>(
    "SELECT count(*)::int AS count FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1::oid AND deptype = 'o'",
    [oid],
  );
  return owned?.count ?? 0;
}
