/** Everybody in a group of an LDAP directory, also through other groups. */
import { openldap, resultCode, type Entry, type LdapSession } from '@readmit/connectors';
import { PresenceFilter, ResultCodeError } from 'ldapts';
import { maxLookups, refused, type TakeMembers } from './source-mapping.js';

const batchSize = 1_000;
/** Of one group. All values come in one answer. */
const maxMembers = 250_000;
const anything = new PresenceFilter({ attribute: 'objectClass' });

/**
 * For one run: what the server was asked is not asked again. `known`: which of the places are people that were read. Members are given by
 * permanent id where only the server could tell who is meant.
 */
export function nestedMembers(
  ldap: LdapSession,
  known: (places: readonly string[]) => Promise<ReadonlySet<string>>,
): (dn: string, take: TakeMembers) => Promise<void> {
  /** Entries that are not groups, by DN as a group spells it; `undefined`: there is none, or the reader may not see it. */
  const asked = new Map<string, string | undefined>();
  let lookups = 0;

  async function lookUp(dn: string): Promise<Entry | undefined> {
    lookups += 1;
    if (lookups > maxLookups)
      throw refused(`the groups of the mapping name more than ${maxLookups} groups, or members that are not below the base of people`);
    try {
      const [entry] = await ldap.search(dn, { scope: 'base', filter: anything, attributes: [openldap.id, openldap.member] });
      return entry;
    } catch (error) {
      if (error instanceof ResultCodeError && (error.code === resultCode.noSuchObject || error.code === invalidDn)) return undefined;
      throw error;
    }
  }

  return async (top, take) => {
    const first = await lookUp(top);
    if (!first) throw refused(`the group ${top} of the mapping does not exist, or the reader may not see it`);
    const groups = [first];
    const visited = new Set([idIn(first)]);
    // The list grows during the loop.
    for (const group of groups) {
      const members = group.values(openldap.member);
      if (members.length > maxMembers) throw refused(`the group ${group.dn} has more than ${maxMembers} members`);
      for (let from = 0; from < members.length; from += batchSize) {
        const batch = members.slice(from, from + batchSize);
        const places = await known(batch);
        const entries: string[] = [];
        for (const dn of batch.filter((member) => !places.has(member))) {
          const before = asked.get(dn);
          if (before !== undefined) entries.push(before);
          if (asked.has(dn)) continue;
          const entry = await lookUp(dn);
          const id = entry && idIn(entry);
          if (entry && id !== undefined && entry.values(openldap.member).length > 0) {
            if (!visited.has(id)) groups.push(entry);
            visited.add(id);
          } else {
            asked.set(dn, id);
            if (id !== undefined) entries.push(id);
          }
        }
        await take({ places: [...places], entries });
      }
    }
  };
}

/** invalidDNSyntax: a member that is not a DN of this server. */
const invalidDn = 34;

function idIn(entry: Entry): string {
  const [id] = entry.values(openldap.id);
  if (id === undefined) throw refused(`the reader may not read ${openldap.id} of ${entry.dn}: check its rights`);
  return id;
}
