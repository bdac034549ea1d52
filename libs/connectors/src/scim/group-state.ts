/** One account and one group at a service provider: what a plan rests on, as facets. */
import type { Facet } from '@readmit/contracts';
import { TargetError } from '../connector.js';
import { facetName, idOf, valueOf } from '../encoded-names.js';
import { holdingName, type Pair } from '../group-pair.js';
import { listed } from '../plan-text.js';
import { equals, groupBy, groupNamed, groupsBy, listsMember, userBy, type FoundGroup, type Group, type User } from './resources.js';
import type { Call } from './scim-client.js';

/**
 * A group with one member that nobody ever takes out, both by id; the group is in no other group. A connection that does not show this
 * membership may hide others too, so nothing that it does not show counts as absent.
 */
export interface Canary {
  readonly group: string;
  readonly member: string;
}

export interface GroupState {
  readonly user: User | undefined;
  readonly group: FoundGroup | undefined;
  /** Directly. SCIM does not record who added a member. */
  readonly member: boolean;
  /** What else makes the account a member of the group. */
  readonly through: Nested;
  /** Groups that the group is in: applications that follow nested groups give those, too. */
  readonly reach: Nested;
}

/** Other groups; or why they cannot be told. */
type Nested = readonly Group[] | 'not visible' | 'too many';

export interface Ids {
  readonly person: string;
  readonly group: string;
}

/** By the names of the ask: the id of the account, and the display name of the group. */
export async function readByName(call: Call, canary: Canary, pair: Pair): Promise<GroupState> {
  const group = await groupNamed(call, valueOf(pair.entitlement));
  return group
    ? readByIds(call, canary, { person: valueOf(pair.object), group: group.id })
    : { ...none, user: await userBy(call, valueOf(pair.object)) };
}

const none = { group: undefined, member: false, through: [], reach: [] } as const;

export async function readByIds(call: Call, canary: Canary, ids: Ids): Promise<GroupState> {
  const user = await userBy(call, ids.person);
  const group = await groupBy(call, ids.group);
  if (!user || !group) await mustSee(call, canary);
  if (!group) return { ...none, user };
  const above = (await canFilter(call, canary, group)) ? await groupsAbove(call, ids.person, group.id) : undefined;
  if (above)
    return { user, group, member: above.direct, through: above.through, reach: (await groupsAbove(call, group.id))?.all ?? 'too many' };
  await mustList(call, canary);
  const member = await listsMember(call, group.id, ids.person);
  return { user, group, member, through: 'not visible', reach: 'not visible' };
}

/** That an account or group is not there counts only if the canary's are. */
export async function mustSee(call: Call, canary: Canary): Promise<void> {
  if (!(await userBy(call, canary.member)) || !(await groupBy(call, canary.group))) throw hidden(call);
}

export async function mustList(call: Call, { group, member }: Canary): Promise<void> {
  if (!(await listsMember(call, group, member))) throw hidden(call);
}

const hidden = (call: Call): TargetError =>
  new TargetError(
    `${call.name} does not show the canary group with its member, so what it does not show may exist: check canary in the settings and the rights of the executor`,
    call.effect,
    'refused',
  );

/**
 * Whether searches by member can be believed: they find the canary, they find nothing where there is nothing, and a search finds this group
 * at all. Keycloak, for example, searches no groups below other groups.
 */
export async function canFilter(call: Call, canary: Canary, group: Group): Promise<boolean> {
  const ofCanary = await groupsBy(call, equals('members.value', canary.member));
  if (!ofCanary?.some(({ id }) => id === canary.group)) return false;
  const ofNobody = await groupsBy(call, equals('members.value', canary.group));
  if (!ofNobody || ofNobody.length > 0) return false;
  const named = await groupsBy(call, equals('displayName', group.name));
  return named?.some(({ id }) => id === group.id) === true;
}

const mostNested = 200;

interface Above {
  readonly direct: boolean;
  readonly through: Nested;
  readonly all: Nested;
}

/**
 * The groups that hold the account or group, directly or through others. What is above `of` is not followed. `undefined`: those that hold
 * it directly are too many already.
 */
async function groupsAbove(call: Call, id: string, of?: string): Promise<Above | undefined> {
  const above = new Map<string, Group>();
  const through: Group[] = [];
  let direct = false;
  const from: { readonly id: string; readonly group?: Group }[] = [{ id }];
  // The list grows while it is walked.
  for (const below of from) {
    const groups = await groupsBy(call, equals('members.value', below.id));
    if (!groups && !below.group) return undefined;
    for (const group of groups ?? []) {
      if (group.id === of) {
        if (below.group) through.push(below.group);
        else direct = true;
      } else if (!above.has(group.id)) {
        above.set(group.id, group);
        from.push({ id: group.id, group });
      }
    }
    if (!groups || above.size > mostNested) return { direct, through: 'too many', all: 'too many' };
  }
  return { direct, through: sorted(through), all: sorted([...above.values()]) };
}

const sorted = (groups: readonly Group[]): readonly Group[] => groups.toSorted((a, b) => (a.id < b.id ? -1 : 1));

const indirectName = ({ connector, object, entitlement }: Pair): string => facetName(connector, object, 'group', entitlement, 'indirect');

/** Facets that the step may change: a target that calls a membership direct may no longer call it indirect. */
export const touchedBy = (pair: Pair): string[] => [holdingName(pair), indirectName(pair)];

/** The account is there and is not deactivated. */
export const isUsable = (user: User | undefined): user is User => user !== undefined && user.active !== false;

export function facetsOf(pair: Pair, state: GroupState): Facet[] {
  const { user, group, member, through, reach } = state;
  const ofUser = (what: string): string => facetName(pair.connector, pair.object, what);
  const ofGroup = (what: string): string => facetName(pair.connector, pair.object, 'group', pair.entitlement, what);
  const names = (groups: Nested): string =>
    typeof groups === 'string' ? groups : listed(groups.map(({ id, name }) => `${idOf(id)} ${idOf(name)}`));
  const indirect = user && group && user.indirect.includes(group.id);
  return [
    { name: ofUser('id'), value: user?.id ?? 'none' },
    { name: ofUser('user-name'), value: listed(user ? [idOf(user.userName)] : []) },
    { name: ofUser('active'), value: user ? activeOf(user) : 'none' },
    { name: holdingName(pair), value: member ? 'member' : 'absent' },
    { name: ofGroup('id'), value: group?.id ?? 'none' },
    { name: ofGroup('name'), value: listed(group ? [idOf(group.name)] : []) },
    { name: ofGroup('through'), value: names(through) },
    { name: indirectName(pair), value: indirect ? 'yes' : 'no' },
    { name: ofGroup('reach'), value: names(reach) },
  ];
}

const activeOf = ({ active }: User): string => (active === undefined ? 'not shown' : active ? 'yes' : 'no');
