/** Finds entries: by the name that an ask has, and by the lasting id that a plan has. */
import { AndFilter, EqualityFilter, OrFilter, PresenceFilter, ResultCodeError } from 'ldapts';
import { TargetError } from '../connector.js';
import { valueOf } from '../encoded-names.js';
import type { Entry, LdapSession } from './ldap-session.js';
import { resultCode } from './ldap-session.js';
import type { Profile } from './profile.js';

/** Where accounts or groups are, and the attribute that asks name them by. */
export interface Place {
  readonly base: string;
  readonly name: string;
}

export interface Directory {
  readonly profile: Profile;
  /** Everything that the connector looks for is below it, the executor's own entry too. */
  readonly base: string;
  readonly bindDn: string;
  readonly people: Place;
  readonly groups: Place & {
    /** DN of an entry that is no account: takes the place of the last member where a group must have one. */
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

/** The one entry of that name, or undefined. Two are refused, and so is a name that differs in case from the entry's own. */
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
    throw new TargetError(`there is no ${value}, but ${names.join(', ')}: ask for it as the directory writes it`, 'none', 'not-found');
  return foundIn(entry, profile);
}

/**
 * The entries that have these lasting ids, wherever they are now. In the same search the executor sees its own entry: only who sees that may
 * conclude that an entry is not there.
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
      `the search below ${base} does not show the executor's own entry ${bindDn}, so what it does not show may exist: check the base and the rights of the executor`,
      'unknown',
      'refused',
    );
  return found;
}

export async function ownId(session: LdapSession, { profile, bindDn }: Pick<Directory, 'profile' | 'bindDn'>): Promise<string> {
  const id = await idAt(session, profile, bindDn);
  if (id === undefined)
    throw new TargetError(
      `the executor does not see its own entry ${bindDn}, so what it does not see may exist: check its rights`,
      'none',
      'refused',
    );
  return id;
}

/** Lasting id of the entry that has the DN now; undefined: nobody has it, or it may not be seen. */
export async function idAt(session: LdapSession, profile: Profile, dn: string): Promise<string | undefined> {
  try {
    const [entry] = await session.search(dn, { scope: 'base', filter: anything, attributes: [profile.id] });
    return entry && foundIn(entry, profile).id;
  } catch (error) {
    if (error instanceof ResultCodeError && error.code === resultCode.noSuchObject) return undefined;
    throw error;
  }
}

const mostGroups = 200;
/** Of each group that has the DN as a member, directly or through other groups. `except` is neither listed nor followed. */
export async function groupsAbove(
  session: LdapSession,
  { profile, base }: Directory,
  dn: string,
  except?: Found,
): Promise<readonly Found[]> {
  const above = new Map<string, Found>();
  const from = [dn];
  // The list grows while it is walked.
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
      if (above.size > mostGroups)
        throw new TargetError(
          `${dn} is in more than ${mostGroups} groups, counting nested ones: too many to compare`,
          'none',
          'unsupported',
        );
    }
  }
  return [...above.values()].toSorted((a, b) => (a.dn < b.dn ? -1 : 1));
}
