/** People of a realm of Keycloak: every run reads all of them in pages, and the members of the mapped groups and roles. */
import { KeycloakClient, type KeycloakCall } from '@readmit/connectors';
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
import { inPages, peopleInPages } from './source-pages.js';
import type { KeycloakSourceSettings } from './source-settings.js';

interface User {
  readonly id: string;
  readonly username: string;
  readonly enabled?: boolean;
  readonly email?: string;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
}
interface Named {
  readonly id: string;
  readonly name: string;
}
type Role = Named & { readonly composite?: boolean };

/** Keycloak reads the attributes of each user of a page one by one. */
const pageSize = 500;

export function keycloakSource(settings: KeycloakSourceSettings, { callTimeoutMs, now, unusable }: SourceOptions): FactSource {
  const { name, url, credentialsFile, people, groups } = settings;
  const client = new KeycloakClient({
    name,
    url,
    credentialsFile,
    callTimeoutMs,
    needs: 'the reader needs view-users, and view-realm for roles,',
  });

  async function readPeople(call: KeycloakCall, sink: FactSink): Promise<void> {
    const count = (): Promise<number> => call.get<number>('/users/count');
    // Without view-users Keycloak shows an empty list, but refuses this.
    await call.get(`/users/${await call.ownId()}`);
    if ((await count()) > maxPeople) throw refused(`${name} has more than ${maxPeople} people`);
    const paged = {
      what: `the people of ${name}`,
      page: (first: number) => pageOf<User>(call, '/users?briefRepresentation=false&', first),
      incomplete: async (read: number) => {
        const counted = await count();
        return counted === read ? undefined : `${name} counts ${counted} people and shows ${read}`;
      },
    };
    await peopleInPages(name, paged, sink, (user) => (user.enabled === false ? [] : personOf(user)));
  }

  const personOf = (user: User) =>
    personIn(
      settings,
      {
        entry: user.id,
        place: user.username,
        // Keycloak keeps names of users in lower case.
        managerPlace: people.manager === undefined ? undefined : valuesOf(user, people.manager)[0]?.toLowerCase().replaceAll('\0', ''),
      },
      (attribute) => valuesOf(user, attribute),
      unusable,
    );

  return {
    ...aboutSource(settings),
    async read(_since, sink, signal) {
      const startedAt = now();
      const call = client.call(signal);
      await readPeople(call, sink);
      const members = membersFor(call, name);
      await readMembers<KeycloakSourceSettings['groups']['map'][number]>(groups.map, sink, (mapped, take) =>
        'role' in mapped ? members.ofRole(mapped.role, take) : members.ofGroup(mapped.group, take),
      );
      return startedAt.toISOString();
    },
  };
}

/** For one run: what leads to members is bounded. */
function membersFor(call: KeycloakCall, name: string) {
  let lookups = 0;
  const looked = (): void => {
    lookups += 1;
    if (lookups > maxLookups)
      throw refused(`the groups and roles of the mapping lead to more than ${maxLookups} groups and roles at ${name}`);
  };
  const all = <T extends Named | User>(of: string, path: string, take: (entries: readonly T[]) => Promise<void>): Promise<void> =>
    inPages<T>({ what: `the ${of} of ${name}`, page: (first) => pageOf(call, path, first), take });
  const below = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

  const users = (of: string, path: string, take: TakeMembers): Promise<void> =>
    all<User>(of, path, (batch) => take({ places: [], entries: batch.map(({ id }) => id) }));

  /** A member of a subgroup has what the group has. */
  async function ofTree(top: Named, visited: Set<string>, take: TakeMembers): Promise<void> {
    const groups = [top];
    // The list grows during the loop.
    for (const { id } of groups) {
      if (visited.has(id)) continue;
      visited.add(id);
      looked();
      await users('members of a group', `/groups/${id}/members?briefRepresentation=true&`, take);
      await all<Named>('groups', `/groups/${id}/children?briefRepresentation=true&`, async (children) => void groups.push(...children));
    }
  }

  /** By the id of a role, the roles of the realm that contain it. */
  let containing: Promise<ReadonlyMap<string, readonly Role[]>> | undefined;
  async function readContaining(): Promise<ReadonlyMap<string, readonly Role[]>> {
    const parents = new Map<string, Role[]>();
    await all<Role>('roles', '/roles?briefRepresentation=true&', async (roles) => {
      for (const parent of roles.filter(({ composite }) => composite === true)) {
        looked();
        for (const { id } of await call.get<readonly Role[]>(`/roles-by-id/${parent.id}/composites/realm`))
          parents.set(id, [...(parents.get(id) ?? []), parent]);
      }
    });
    return parents;
  }

  /** The role, and all roles of the realm that give it. */
  async function withParents(role: Role): Promise<readonly Role[]> {
    const parents = await (containing ??= readContaining());
    const found = new Map([[role.id, role]]);
    // The map grows during the loop.
    for (const { id } of found.values()) for (const parent of parents.get(id) ?? []) found.set(parent.id, parent);
    return [...found.values()];
  }

  return {
    async ofGroup(path: string, take: TakeMembers): Promise<void> {
      looked();
      const group = await call.find<Named>(`/group-by-path${below(path)}`);
      if (group === 'absent') throw refused(`the group ${path} of the mapping does not exist at ${name}`);
      // A slash in a name looks like one between names.
      if (group.name !== path.slice(path.lastIndexOf('/') + 1))
        throw refused(`the group ${path} of the mapping is one with a slash in its name at ${name}: rename it`);
      await ofTree(group, new Set(), take);
    },
    async ofRole(role: string, take: TakeMembers): Promise<void> {
      const found = await call.find<Role>(`/roles/${encodeURIComponent(role)}`);
      if (found === 'absent') throw refused(`the role ${role} of the mapping does not exist at ${name}`);
      const visited = new Set<string>();
      for (const one of await withParents(found)) {
        const path = `/roles/${encodeURIComponent(one.name)}`;
        await users('members of a role', `${path}/users?briefRepresentation=true&`, take);
        const groups: Named[] = [];
        await all<Named>('groups', `${path}/groups?briefRepresentation=true&`, async (some) => void groups.push(...some));
        for (const group of groups) await ofTree(group, visited, take);
      }
    },
  };
}

const hasId = (entry: unknown): boolean => typeof (entry as { id?: unknown } | null)?.id === 'string';

async function pageOf<T>(call: KeycloakCall, path: string, first: number): Promise<readonly T[]> {
  const entries = await call.get<unknown>(`${path}first=${first}&max=${pageSize}`);
  if (!Array.isArray(entries) || !entries.every(hasId))
    throw refused(`${call.name} answers ${path.split('?')[0]} with something else than a list`);
  return entries as readonly T[];
}

/** `id`, `username` and `email` are fields; every other name is an attribute of the user. */
function valuesOf(user: User, attribute: string): readonly string[] {
  if (attribute !== 'id' && attribute !== 'username' && attribute !== 'email') return user.attributes?.[attribute] ?? [];
  const value = user[attribute];
  return value === undefined || value === '' ? [] : [value];
}
