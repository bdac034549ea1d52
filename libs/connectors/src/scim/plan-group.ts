import type { Ask, Identity } from '@readmit/contracts';
import type { PlanParts } from '@readmit/domain';
import { TargetError } from '../connector.js';
import { pairOf } from '../group-pair.js';
import { grantParts } from '../grant-parts.js';
import { holdId } from '../plan-identity.js';
import { sentence } from '../plan-text.js';
import { facetsOf, isUsable, readByName, touchedBy, type Canary, type GroupState } from './group-state.js';
import { printable } from '../http-answers.js';
import type { Call } from './scim-client.js';

/** A group that the account is in already needs no step and gets no obligation: nobody knows who put it there. */
export async function planGroup(call: Call, canary: Canary, ask: Ask, durationSeconds: number): Promise<PlanParts> {
  const pair = pairOf(ask);
  const { connector, object, entitlement } = pair;
  const state = await readByName(call, canary, pair);
  const { user, group } = state;
  if (!user) throw new TargetError(`there is no user with the id ${object} at ${connector}`, 'none', 'not-found');
  if (!group) throw new TargetError(`there is no group with the display name ${entitlement} at ${connector}`, 'none', 'not-found');
  if (!isUsable(user))
    throw new TargetError(
      `${object} is deactivated at ${connector}: a group would restore nothing, and Readmit activates nobody`,
      'none',
      'refused',
    );
  if (group.id === canary.group || user.id === canary.member)
    throw new TargetError(
      `${group.id === canary.group ? entitlement : object} is the canary of ${connector}, which must not change`,
      'none',
      'refused',
    );
  mustBeComparable(call, state);
  for (const { id } of [user, group])
    if (id.length > 255) throw new TargetError(`an id of ${id.length} characters is too long for a plan`, 'none', 'unsupported');
  const before = facetsOf(pair, state);
  const [person, name] = [printable(user.userName) || object, printable(group.name)];
  const untouched = [sentence(`every other group of ${person}, and its account`), sentence(`every other member of ${name}`)];
  if (state.member) return { steps: [], obligations: [], removes: [], restores: [], untouched, before };
  const identity: Identity[] = [
    { name: 'person', value: user.id },
    { name: 'group', value: group.id },
  ];
  const given = { connector, object, entitlement, identity, hold: holdId(connector, 'role.grant', group.id, user.id) };
  return {
    ...grantParts(given, {
      touches: touchedBy(pair),
      says: sentence(`Add ${person} to ${name}.`),
      undoSays: sentence(`Take ${person} out of ${name}. Applications that remember the membership keep it until they ask again.`),
      durationSeconds,
    }),
    removes: [],
    restores: [sentence(`${person} is in ${name} for ${durationSeconds} s`)],
    untouched,
    warnings: warningsOf(connector, person, name, state).map(sentence),
    before,
  };
}

function mustBeComparable(call: Call, { through, reach }: GroupState): void {
  if (through === 'too many' || reach === 'too many')
    throw new TargetError(
      `the account or the group is in too many groups at ${call.name}, counting nested ones, to compare them`,
      'none',
      'unsupported',
    );
}

function warningsOf(connector: string, person: string, name: string, { user, group, through, reach }: GroupState): string[] {
  const named = (groups: GroupState['reach']): string =>
    typeof groups === 'string' ? '' : groups.map((one) => `${printable(one.name)} (${one.id})`).join('; ');
  const indirect = group !== undefined && user?.indirect.includes(group.id) === true;
  return [
    ...(named(through) !== ''
      ? [`${person} is in ${name} through another group already, and stays so after the end: ${named(through)}`]
      : indirect
        ? [`${person} is in ${name} through another group already, and stays so after the end`]
        : []),
    ...(named(reach) !== '' ? [`${name} is in ${named(reach)}: applications that follow nested groups give ${person} those, too.`] : []),
    ...(through === 'not visible'
      ? [
          `${connector} does not find groups by their members, so nested groups are not seen: ${person} may be in ${name} through another group.`,
        ]
      : []),
    `SCIM does not record who added a member: if somebody adds ${person} to ${name} by hand meanwhile, the end takes that too.`,
    `What ${person} starts with ${name} meanwhile stays: sessions of applications do not end with the membership.`,
  ];
}
