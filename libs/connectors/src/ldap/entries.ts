/** Finds entries: by the name in an ask, and by the permanent id in a plan. */
import { AndFilter, EqualityFilter, OrFilter, PresenceFilter, ResultCodeError } from 'ldapts';
import { TargetError } from '../connector.js';
import { valueOf } from '../encoded-names.js';
import type { Entry, LdapSession } from './ldap-session.js';
import { resultCode } from './ldap-session.js';
import type { Profile } from './profile.js';

/** Where accounts or groups are, and the attribute with the name that asks use. */
export interface Place {
  readonly base: string;
  readonly name: string;
}

export interface Directory {
  readonly profile: Profile;
  /** Everything that the connector searches for is below it, including the executor's own entry. */
  readonly base: string;
  readonly bindDn: string;
  readonly people: Place;
  readonly groups: Place & {
    /** DN of an entry that is not an account: replaces the last member of a group that must have one. */
    readonly placeholder?: string;
  };
}

export interface Found {
  readonly id: string;
  readonly dn: string;
  readonly classes: readonly string[];
}

const equal = (attribute: string, value: string): EqualityFilter => new EqualityFilter({ attribute, value });
const anything = new PresenceFilter({ attribute: 'objectClass' });

const foundIn = (entry: Entry, { id }: Profile): Found => {
  const [value] = entry.values(id);
  if (value === undefined) throw new TargetError(`the executor may not read ${id} of ${entry.dn}`, 'none', 'refused');
  return { id: value, dn: entry.dn, classes: entry.values('objectClass').map((name) => name.toLowerCase()) };
};

/** The only entry with that name, or undefined. Refuses two entries, and a name that is spelled differently in the entry. */
export async function byName(session: LdapSession, { profile }: Directory, place: Place, id: string): Promise<Found | undefined> {
  const value = valueOf(id);
  const entries = await session.search(place.base, {
    scope: 'sub',
    filter: new AndFilter({ filters: [equal(place.name, value)] }),
    attributes: [place.name, profile.id, 'objectClass'],
  });
  const [entry, another] = entries;
  if (!entry) return undefined;
  if (another) throw new TargetError(`several entries below ${place.base} have ${place.name} ${value}`, 'none', 'refused');
  const names = entry.values(place.name);
  if (!names.includes(value))
    throw new TargetError(`there is no ${value}, but there is ${names.join(', ')}: use the spelling of the directory`, 'none', 'not-found');
  return foundIn(entry, profile);
}

/**
 * The entries with these permanent ids, wherever they are now. The same search must return the executor's own entry: otherwise a missing entry
 * may only be invisible.
 */
export async function byIds(
  session: LdapSession,
  { profile, base, bindDn }: Directory,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Found>> {
  const own = await ownId(session, { profile, bindDn });
  const entries = await session.search(base, {
    scope: 'sub',
    filter: new OrFilter({ filters: [own, ...ids].map((id) => equal(profile.id, id)) }),
    attributes: [profile.id, 'objectClass'],
  });
  const found = new Map(entries.map((entry) => foundIn(entry, profile)).map((one) => [one.id, one]));
  if (!found.has(own))
    throw new TargetError(
      `the search below ${base} does not return the executor's own entry ${bindDn}, so entries that it does not return may exist: check the base and the rights of the executor`,
      'unknown',
      'refused',
    );
  return found;
}

export async function ownId(session: LdapSession, { profile, bindDn }: Pick<Directory, 'profile' | 'bindDn'>): Promise<string> {
  const id = await idAt(session, profile, bindDn);
  if (id === undefined)
    throw new TargetError(
      `the executor does not see its own entry ${bindDn}, so entries that it does not see may exist: check its rights`,
      'none',
      'refused',
    );
  return id;
}

/** Permanent id of the entry that has the DN now; undefined if there is none or the executor may not see it. */
export async function idAt(session: LdapSession, profile: Profile, dn: string): Promise<string | undefined> {
  try {
    const [entry] = await session.search(dn, { scope: 'base', filter: anything, attributes: [profile.id] });
    return entry && foundIn(entry, profile).id;
  } catch (error) {
    if (error instanceof ResultCodeError && error.code === resultCode.noSuchObject) return undefined;
    throw error;
  }
}

const maxGroups = 200;
/** Each group that has the DN as a member, directly or through other groups. `except` is neither listed nor followed. */
export async function groupsAbove(
  session: LdapSession,
  { profile, base }: Directory,
  dn: string,
  except?: Found,
): Promise<readonly Found[]> {
  const above = new Map<string, Found>();
  const from = [dn];
  // The list grows during the loop.
  for (const below of from) {
    const entries = await session.search(base, {
      scope: 'sub',
      filter: new AndFilter({ filters: [equal(profile.member, below)] }),
      attributes: [profile.id, 'objectClass'],
    });
    for (const group of entries.map((entry) => foundIn(entry, profile))) {
      if (group.id === except?.id || above.has(group.id)) continue;
      above.set(group.id, group);
      from.push(group.dn);
      if (above.size > maxGroups)
        throw new TargetError(
          `${dn} is in more than ${maxGroups} groups, counting nested ones: too many to compare`,
          'none',
          'unsupported',
        );
    }
  }
  return [...above.values()].toSorted((a, b) => (a.dn < b.dn ? -1 : 1));
}
