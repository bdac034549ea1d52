/** People of a SCIM 2.0 service provider: every run reads all users in pages, and the members of the mapped groups. */
import { groupNamed, membersOf, ScimClient, tokenSourceOf, type ScimCall } from '@readmit/connectors';
import type { FactSink, FactSource } from './fact-source.js';
import {
  aboutSource,
  maxLookups,
  maxPeople,
  personIn,
  readMembers,
  refused,
  type SourceOptions,
  type TakeMembers,
} from './source-mapping.js';
import { peopleInPages } from './source-pages.js';
import type { ScimSourceSettings } from './source-settings.js';

type Json = Readonly<Record<string, unknown>>;
type User = Json & { readonly id: string };

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isUser = (value: unknown): value is User => isObject(value) && typeof value['id'] === 'string';

/** A server may give fewer. */
const pageSize = 500;
const mostBytes = 16 * 1024 * 1024;
/** Members of one batch. */
const batchSize = 1_000;
/** Where the manager is (RFC 7643, section 4.3): `value` is the manager's id. */
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export function scimSource(settings: ScimSourceSettings, { callTimeoutMs, now, unusable }: SourceOptions): FactSource {
  const { name, url, people, groups } = settings;
  const token = tokenSourceOf(settings);
  if (!token) throw new Error(`this is a bug: the settings of ${name} were not checked`);
  const client = new ScimClient({ name, url, token, callTimeoutMs });
  const attributes = [
    ...new Set([
      'active',
      people.id,
      people.human,
      people.employment.attribute,
      people.manager ?? `${enterprise}:manager`,
      // With its type.
      ...people.contacts.map(({ attribute, type }) => (type === undefined ? attribute : attribute.replace(/\.\w+$/, ''))),
      ...people.accounts.map(({ attribute }) => attribute),
    ]),
  ].filter((attribute) => attribute !== 'id');

  /** Gives the ids of those who are left out because they are not active. */
  async function readPeople(call: ScimCall, sink: FactSink): Promise<ReadonlySet<string>> {
    let total = 0;
    const inactive = new Set<string>();
    const paged = {
      what: `the users of ${name}`,
      page: async (first: number) => {
        const page = await usersFrom(call, first, attributes);
        total = page.total;
        if (total > maxPeople) throw refused(`${name} has more than ${maxPeople} users`);
        return page.entries;
      },
      incomplete: (read: number) =>
        Promise.resolve(read === total ? undefined : `${name} says that it has ${total} users and shows ${read}`),
    };
    await peopleInPages(name, paged, sink, (user) => {
      if (user['active'] !== false) return personOf(user);
      inactive.add(user.id);
      return [];
    });
    return inactive;
  }

  const personOf = (user: User) =>
    personIn(
      settings,
      {
        entry: user.id,
        place: user.id,
        managerPlace: valuesOf(user, people.manager ?? `${enterprise}:manager.value`)[0]?.replaceAll('\0', ''),
      },
      (attribute, type) => valuesOf(user, attribute, type),
      unusable,
    );

  /** For one run. `inactive`: groups name them too, often without a type. */
  function membersFor(call: ScimCall, sink: FactSink, inactive: ReadonlySet<string>) {
    let lookups = 0;
    return async (group: string, take: TakeMembers): Promise<void> => {
      const top = await groupNamed(call, group);
      if (!top) throw refused(`the group ${group} of the mapping does not exist at ${name}`);
      const visited = new Set<string>();
      const waiting = [top.id];
      // The list grows during the loop.
      for (const id of waiting) {
        if (visited.has(id)) continue;
        visited.add(id);
        lookups += 1;
        if (lookups > maxLookups) throw refused(`the groups of the mapping lead to more than ${maxLookups} groups at ${name}`);
        const members = await membersOf(call, id);
        if (!members && id === top.id) throw refused(`the group ${group} of the mapping is gone at ${name}`);
        // Without members: neither a user who was read nor a group.
        for (let from = 0; members && from < members.length; from += batchSize) {
          const batch = members.slice(from, from + batchSize).map(({ id: member, type }) => {
            if (member === undefined) throw refused(`the group ${group} of the mapping has a member without a value at ${name}`);
            return { id: member, type };
          });
          const known = await sink.known(batch.map((member) => member.id));
          // Some servers do not say what a member is.
          const others = batch.filter((member) => !known.has(member.id) && !inactive.has(member.id) && member.type !== 'User');
          waiting.push(...others.map((member) => member.id));
          await take({ places: [...known], entries: [] });
        }
      }
    };
  }

  return {
    ...aboutSource(settings),
    async read(_since, sink, signal) {
      const startedAt = now();
      const call = client.call(signal);
      const membersOfGroup = membersFor(call, sink, await readPeople(call, sink));
      await readMembers(groups.map, sink, ({ group }, take) => membersOfGroup(group, take));
      return startedAt.toISOString();
    },
  };
}

/** `first`: 0 is the first user of all. */
async function usersFrom(
  call: ScimCall,
  first: number,
  attributes: readonly string[],
): Promise<{ entries: readonly User[]; total: number }> {
  const asked = new URLSearchParams({ startIndex: String(first + 1), count: String(pageSize), attributes: attributes.join(',') });
  const { body } = await call.send({ method: 'GET', path: `/Users?${asked}`, mostBytes });
  const total = isObject(body) ? body['totalResults'] : undefined;
  // A list without entries may leave Resources out (RFC 7644, section 3.4.2).
  const entries: unknown = isObject(body) ? (body['Resources'] ?? []) : undefined;
  if (typeof total !== 'number' || !Array.isArray(entries) || !entries.every(isUser))
    throw refused(`${call.name} answers a request for users with something else than a list of users`);
  return { entries, total };
}

/** The schema that every user has may be left out (RFC 7643, section 8.2). */
const core = /^urn:ietf:params:scim:schemas:core:2\.0:User:/i;

/**
 * Values of `userType`, `emails.value` or `urn:...:User:manager.value`, as text: of each of several, or of those with the type. Names are in
 * any case (RFC 7643, section 2.1).
 */
function valuesOf(user: User, attribute: string, type?: string): readonly string[] {
  const named = attribute.replace(core, '');
  const at = named.lastIndexOf(':');
  let values: readonly unknown[] = [at < 0 ? user : member(user, named.slice(0, at))];
  for (const step of named.slice(at + 1).split('.'))
    values = values.flatMap((one) => {
      const next = isObject(one) ? member(one, step) : undefined;
      return Array.isArray(next) ? next.filter((each) => type === undefined || (isObject(each) && member(each, 'type') === type)) : [next];
    });
  return values.flatMap((value) =>
    typeof value === 'string' && value !== '' ? [value] : typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [],
  );
}

function member(of: Json, name: string): unknown {
  if (Object.hasOwn(of, name)) return of[name];
  const folded = name.toLowerCase();
  return Object.entries(of).find(([key]) => key.toLowerCase() === folded)?.[1];
}
