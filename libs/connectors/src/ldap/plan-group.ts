import type { Ask, Identity } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { PresenceFilter } from 'ldapts';
import { TargetError } from '../connector.js';
import { grantParts } from '../grant-parts.js';
import { holdId } from '../plan-identity.js';
import { sentence } from '../plan-text.js';
import { holdingName, pairOf, type Pair } from '../group-pair.js';
import { idAt, ownId, type Directory, type Found } from './entries.js';
import { facetsOf, readByName } from './group-state.js';
import { neededControls } from './ldap-controls.js';
import type { LdapSession } from './ldap-session.js';
import { dnIdentity } from './names.js';

/** Throws if the server cannot make changes conditional on the state in the plan. */
export async function mustControl(session: LdapSession): Promise<void> {
  const [root] = await session.search('', {
    scope: 'base',
    filter: new PresenceFilter({ attribute: 'objectClass' }),
    attributes: ['supportedControl'],
  });
  const supported = new Set(root?.values('supportedControl'));
  const missing = Object.entries(neededControls).filter(([, oid]) => !supported.has(oid));
  if (missing.length > 0)
    throw new TargetError(
      `the directory does not support ${missing.map(([name, oid]) => `the ${name} control (${oid})`).join(', ')}, or the executor may not read its root entry`,
      'none',
      'unsupported',
    );
}

/** Refuses a group whose last member could not be removed again, and a class of group whose members are stored differently. */
async function mustBeRemovable(session: LdapSession, { profile, groups }: Directory, group: Found, { entitlement }: Pair): Promise<void> {
  const kinds = group.classes.filter((name) => Object.hasOwn(profile.groups, name));
  if (kinds.length === 0)
    throw new TargetError(
      `${entitlement} is neither a groupOfNames nor a groupOfMembers (${group.classes.join(', ')}): its members cannot be changed`,
      'none',
      'unsupported',
    );
  if (!kinds.some((name) => profile.groups[name])) return;
  // The current members may have left by the end of the grant.
  if (groups.placeholder === undefined)
    throw new TargetError(
      `${entitlement} must have at least one member (groupOfNames), so its last one could not be removed again: set groups.placeholder to the DN of an entry that is not an account`,
      'none',
      'refused',
    );
  if ((await idAt(session, profile, groups.placeholder)) === undefined)
    throw new TargetError(`the entry of groups.placeholder does not exist: ${groups.placeholder}`, 'none', 'refused');
}

/** An existing membership needs no step and no obligation: the directory does not record who added it. */
export async function planGroup(session: LdapSession, directory: Directory, ask: Ask, durationSeconds: number): Promise<PlanParts> {
  const pair = pairOf(ask);
  const { connector, object, entitlement } = pair;
  await mustControl(session);
  const state = await readByName(session, directory, pair);
  const { person, group, through, reach } = state;
  if (!person) throw new TargetError(`there is no ${object} below ${directory.people.base}`, 'none', 'not-found');
  if (!group) throw new TargetError(`there is no group ${entitlement} below ${directory.groups.base}`, 'none', 'not-found');
  if (person.id === (await ownId(session, directory)))
    throw new TargetError(`${object} is the executor itself: nothing can be restored to it`, 'none', 'refused');
  await mustBeRemovable(session, directory, group, pair);
  const before = facetsOf(pair, state);
  const untouched = [
    sentence(`every other group of ${object}, its password and its lock`),
    sentence(`every other member of ${entitlement}`),
  ];
  if (state.member) return { steps: [], obligations: [], removes: [], restores: [], untouched, before };
  const identity: Identity[] = [
    { name: 'person', value: person.id },
    { name: 'group', value: group.id },
    ...dnIdentity('person-dn', person.dn),
  ];
  const given = { connector, object, entitlement, identity, hold: holdId(connector, 'role.grant', group.id, person.id) };
  return {
    ...grantParts(given, {
      touches: [holdingName(pair)],
      says: sentence(`Add ${object} to ${entitlement}.`),
      undoSays: sentence(`Take ${object} out of ${entitlement}. Applications that remember the membership keep it until they ask again.`),
      durationSeconds,
    }),
    removes: [],
    restores: [sentence(`${object} is in ${entitlement} for ${durationSeconds} s`)],
    untouched,
    warnings: [
      ...(through.length > 0
        ? [
            `${object} is in ${entitlement} through another group already, and stays so after the end: ${through.map(({ dn }) => dn).join('; ')}`,
          ]
        : []),
      ...(reach.length > 0
        ? [
            `${entitlement} is in ${reach.map(({ dn }) => dn).join('; ')}: applications that follow nested groups give ${object} those, too.`,
          ]
        : []),
      `What ${object} starts with ${entitlement} meanwhile stays: connections of applications do not end with the membership.`,
    ].map(sentence),
    before,
  };
}
