/** What is read of a service provider: users and groups by id, and groups by one exact filter. */
import { TargetError } from '../connector.js';
import { printable } from '../http-answers.js';
import type { Call } from './scim-client.js';

export interface User {
  readonly id: string;
  readonly userName: string;
  /** RFC 7643 makes it optional. */
  readonly active: boolean | undefined;
  /** Groups that hold the user through others, where the target computes that (`type` is `indirect`). */
  readonly indirect: readonly string[];
}

export interface Group {
  readonly id: string;
  readonly name: string;
}

export interface FoundGroup extends Group {
  /** For `If-Match`; undefined where the target has none. */
  readonly etag: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const listIn = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** A filter is never put together otherwise: RFC 7644 takes strings as JSON has them, so JSON quotes them. */
export const equals = (attribute: 'displayName' | 'members.value', value: string): string => `${attribute} eq ${JSON.stringify(value)}`;
/** One member of a group, as the path of a change. */
export const memberPath = (id: string): string => `members[value eq ${JSON.stringify(id)}]`;
export const groupPath = (id: string): string => `/Groups/${encodeURIComponent(id)}`;

/** An answer that is not what was asked for proves nothing. */
function resource(call: Call, body: unknown, what: string, id: string): Json {
  if (isObject(body) && body['id'] === id) return body;
  throw new TargetError(
    `${call.name} answers a request for ${what} with something else than the ${what} of that id`,
    call.effect,
    'refused',
  );
}

const text = (of: Json, name: string): string => (typeof of[name] === 'string' ? (of[name] as string) : '');

/** `undefined`: the target answers that there is none. */
export async function userBy(call: Call, id: string): Promise<User | undefined> {
  const { status, body } = await call.send({
    method: 'GET',
    path: `/Users/${encodeURIComponent(id)}?attributes=userName,active,groups`,
    also: [404],
  });
  if (status === 404) return undefined;
  const user = resource(call, body, 'user', id);
  const indirect = listIn(user['groups']).flatMap(({ type, value }) => (type === 'indirect' && typeof value === 'string' ? [value] : []));
  return { id, userName: text(user, 'userName'), active: typeof user['active'] === 'boolean' ? user['active'] : undefined, indirect };
}

/** Without members. `undefined`: the target answers that there is none. */
export async function groupBy(call: Call, id: string): Promise<FoundGroup | undefined> {
  const { status, body, etag } = await call.send({ method: 'GET', path: `${groupPath(id)}?attributes=displayName,meta`, also: [404] });
  if (status === 404) return undefined;
  const group = resource(call, body, 'group', id);
  const version = isObject(group['meta']) ? group['meta']['version'] : undefined;
  return { id, name: text(group, 'displayName'), etag: etag ?? (typeof version === 'string' ? version : undefined) };
}

/** 100,000 members with names and addresses are about as large. */
const mostBytesOfMembers = 32 * 1024 * 1024;

export interface Member {
  /** Undefined: the target gives none. */
  readonly id: string | undefined;
  /** `User` or `Group`, where the target says it. */
  readonly type: string | undefined;
}

/** Direct members of the group. Some targets show none unless they are asked for. `undefined`: there is no such group. */
export async function membersOf(call: Call, group: string): Promise<readonly Member[] | undefined> {
  const { status, body } = await call.send({
    method: 'GET',
    path: `${groupPath(group)}?attributes=members`,
    mostBytes: mostBytesOfMembers,
    also: [404],
  });
  if (status === 404) return undefined;
  return listIn(resource(call, body, 'group', group)['members']).map(({ value, type }) => ({
    id: typeof value === 'string' ? value : undefined,
    type: typeof type === 'string' ? type : undefined,
  }));
}

/** Whether the list of members has the id. */
export async function listsMember(call: Call, group: string, member: string): Promise<boolean> {
  const members = await membersOf(call, group);
  if (members) return members.some(({ id }) => id === member);
  throw new TargetError(`${call.name} answers 404 to GET ${groupPath(group)}`, call.effect, 'not-found');
}

const pageSize = 100;
/** Statuses of a filter that the target does not support, or that is too long for it. */
const notFiltered: readonly number[] = [400, 414, 431, 501];
const mostGroups = 2_000;
/** A list that changes while it is paged may lose an entry: it is read again, so many times. */
const rounds = 3;

/** All groups that the filter selects; `undefined`: the target does not support it, or they are too many. */
export async function groupsBy(call: Call, filter: string): Promise<readonly Group[] | undefined> {
  for (let round = 0; round < rounds; round += 1) {
    const pages = await pagesOf(call, filter);
    if (pages === undefined) return undefined;
    if (pages.complete) return pages.groups;
  }
  throw new TargetError(
    `${call.name} shows another number of groups than it says it has, or changes them all the time`,
    call.effect,
    'unreachable',
  );
}

async function pagesOf(call: Call, filter: string): Promise<{ readonly complete: boolean; readonly groups: readonly Group[] } | undefined> {
  const found = new Map<string, Group>();
  for (let startIndex = 1; ;) {
    const path = `/Groups?filter=${encodeURIComponent(filter)}&attributes=displayName&startIndex=${startIndex}&count=${pageSize}`;
    const { status, body } = await call.send({ method: 'GET', path, also: notFiltered });
    if (notFiltered.includes(status)) return undefined;
    const total = isObject(body) ? body['totalResults'] : undefined;
    if (!isObject(body) || typeof total !== 'number')
      throw new TargetError(`${call.name} answers a search for groups with something else than a list`, call.effect, 'refused');
    const page = listIn(body['Resources']).filter(({ id }) => typeof id === 'string');
    for (const one of page) found.set(text(one, 'id'), { id: text(one, 'id'), name: text(one, 'displayName') });
    if (total > mostGroups) return undefined;
    startIndex += page.length;
    if (page.length === 0 || startIndex > total) return { complete: found.size === total, groups: [...found.values()] };
  }
}

/** The one group of that name. Two are refused, and so is a name that differs in case from the group's own. */
export async function groupNamed(call: Call, name: string): Promise<Group | undefined> {
  const groups = await groupsBy(call, equals('displayName', name));
  if (groups === undefined)
    throw new TargetError(`${call.name} does not find groups by displayName, or finds too many`, call.effect, 'unsupported');
  mustHaveApplied(call, groups, name);
  const [group, another] = groups;
  if (!group) return undefined;
  if (another)
    throw new TargetError(
      `${call.name} has ${groups.length} groups with the display name ${printable(name)}: give each its own`,
      call.effect,
      'refused',
    );
  if (group.name !== name)
    throw new TargetError(
      `there is no group ${printable(name)} at ${call.name}, but ${printable(group.name)}: ask for it as it is written there`,
      call.effect,
      'not-found',
    );
  return group;
}

/** A target that ignores a filter shows every group. */
function mustHaveApplied(call: Call, groups: readonly Group[], name: string): void {
  const folded = name.normalize('NFKC').toLowerCase();
  if (groups.some((one) => one.name.normalize('NFKC').toLowerCase() !== folded))
    throw new TargetError(
      `${call.name} answers a search for one display name with other groups: it does not filter`,
      call.effect,
      'unsupported',
    );
}
