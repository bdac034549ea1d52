/** State of one account and one group, as the facets that a plan depends on. */
import type { Facet } from '@readmit/contracts';
import { facetName } from '../encoded-names.js';
import { holdingName, type Pair } from '../group-pair.js';
import { listed } from '../plan-text.js';
import { byIds, byName, groupsAbove, type Directory, type Found } from './entries.js';
import type { LdapSession } from './ldap-session.js';

export interface GroupState {
  readonly person: Found | undefined;
  readonly group: Found | undefined;
  /** Directly. A directory does not record who added a member. */
  readonly member: boolean;
  /** Nested groups in the group that contain the account, directly or through others. */
  readonly through: readonly Found[];
  /** Groups that contain the group: applications that follow nested groups grant those too. */
  readonly reach: readonly Found[];
}

/** By the names in the ask. A second search by id makes sure that the executor's own entry is visible. */
export async function readByName(session: LdapSession, directory: Directory, pair: Pair): Promise<GroupState> {
  const person = await byName(session, directory, directory.people, pair.object);
  const group = await byName(session, directory, directory.groups, pair.entitlement);
  await byIds(session, directory, []);
  return stateOf(session, directory, person, group);
}

/** By permanent ids. */
export async function readByIds(
  session: LdapSession,
  directory: Directory,
  ids: { readonly person: string; readonly group: string },
): Promise<GroupState> {
  const found = await byIds(session, directory, [ids.person, ids.group]);
  return stateOf(session, directory, found.get(ids.person), found.get(ids.group));
}

async function stateOf(
  session: LdapSession,
  directory: Directory,
  person: Found | undefined,
  group: Found | undefined,
): Promise<GroupState> {
  const member = person !== undefined && group !== undefined && (await isMember(session, directory, group, person.dn));
  const through: Found[] = [];
  if (person && group)
    for (const one of await groupsAbove(session, directory, person.dn, group))
      if (await isMember(session, directory, group, one.dn)) through.push(one);
  const reach = group ? await groupsAbove(session, directory, group.dn) : [];
  return { person, group, member, through, reach };
}

/** The server compares, because it knows which spellings are the same DN. It refuses without the right to compare, so "no" means no. */
export const isMember = async (session: LdapSession, { profile }: Directory, group: Found, dn: string): Promise<boolean> =>
  (await session.compare(group.dn, profile.member, dn)) === true;

export function facetsOf(pair: Pair, { person, group, member, through, reach }: GroupState): Facet[] {
  const ofGroup = (what: string): string => facetName(pair.connector, pair.object, 'group', pair.entitlement, what);
  const names = (groups: readonly Found[]): string => listed(groups.map(({ id, dn }) => `${id} ${dn}`));
  return [
    ...personFacets(pair, person),
    { name: holdingName(pair), value: member ? 'member' : 'absent' },
    { name: ofGroup('id'), value: group?.id ?? 'none' },
    { name: ofGroup('dn'), value: listed(group ? [group.dn] : []) },
    { name: ofGroup('through'), value: names(through) },
    { name: ofGroup('reach'), value: names(reach) },
  ];
}

export const personFacets = ({ connector, object }: Pick<Pair, 'connector' | 'object'>, person: Found | undefined): Facet[] => [
  { name: facetName(connector, object, 'id'), value: person?.id ?? 'none' },
  { name: facetName(connector, object, 'dn'), value: listed(person ? [person.dn] : []) },
];
