/** People of an LDAP directory: read in pages, followed by modifyTimestamp, with nested groups. */
import { Bounded, ldapAddress, openldap, withSession, type Entry, type LdapSession } from '@readmit/connectors';
import { AndFilter, FilterParser, GreaterThanEqualsFilter, PresenceFilter, type Filter } from 'ldapts';
import type { FactSink, FactSource, SourcePerson } from './fact-source.js';
import type { LdapSourceSettings } from './source-settings.js';
import { aboutSource, maxPeople, personIn, readMembers, refused, type SourceOptions } from './source-mapping.js';
import { nestedMembers } from './ldap-groups.js';

const modified = 'modifyTimestamp';
/** Finer than a second: two changes of a group in one second differ. */
const change = 'entryCSN';
/** Changes may show late, for example on a replica. */
const overlapMs = 60_000;
/** The clocks of the servers may differ by as much. */
const skewMs = 300_000;

export function ldapSource(settings: LdapSourceSettings, { callTimeoutMs, now, unusable }: SourceOptions): FactSource {
  const { people, groups } = settings;
  const about = aboutSource(settings);
  const filter = people.filter === undefined ? new PresenceFilter({ attribute: people.id }) : FilterParser.parseString(people.filter);
  const attributes = [
    ...new Set([
      openldap.id,
      modified,
      people.id,
      people.human,
      people.employment.attribute,
      ...(people.manager === undefined ? [] : [people.manager]),
      ...people.contacts.map(({ attribute }) => attribute),
      ...people.accounts.map(({ attribute }) => attribute),
    ]),
  ];
  const session = {
    address: ldapAddress(settings.url, settings.caFile),
    bindDn: settings.bindDn,
    passwordFile: settings.passwordFile,
    callTimeoutMs,
    connections: new Bounded(1),
  };
  /** The changed groups of the last run: they are seen again for as long as the overlap lasts. */
  let lastChanged = '';

  async function readPeople(ldap: LdapSession, since: string | undefined, sink: FactSink): Promise<{ newest: string; moved: boolean }> {
    let [count, newest, moved] = [0, '', false];
    const search = { scope: 'sub', filter: sinceFilter(filter, since), attributes } as const;
    await ldap.pages(people.base, search, async (page) => {
      count += page.length;
      if (count > maxPeople) throw refused(`${settings.name} has more than ${maxPeople} people below ${people.base}`);
      for (const entry of page) newest = later(newest, entry.values(modified)[0]);
      moved = (await sink.people(page.flatMap((entry) => personOf(entry, settings, unusable)))) || moved;
    });
    return { newest, moved };
  }

  async function readGroups(ldap: LdapSession, sink: FactSink): Promise<void> {
    const nested = nestedMembers(ldap, sink.known);
    await readMembers(groups.map, sink, ({ dn }, take) => nested(dn, take));
  }

  return {
    ...about,
    read: (since, tables, signal) => {
      let ours: unknown;
      const sink = watchedSink(tables, (error) => (ours = error));
      const run = withSession(session, signal, async (ldap) => {
        const startedAt = now().getTime();
        const { newest, moved } = await readPeople(ldap, since, sink);
        const changed: string[] = [];
        let newestOfAll = newest;
        const anyGroup = new PresenceFilter({ attribute: openldap.member });
        const search = { scope: 'sub', filter: sinceFilter(anyGroup, since), attributes: [openldap.id, modified, change] } as const;
        if (since !== undefined)
          await ldap.pages(groups.base, search, async (page) => {
            for (const entry of page) {
              newestOfAll = later(newestOfAll, entry.values(modified)[0]);
              changed.push(`${entry.values(openldap.id)[0]} ${entry.values(change)[0] ?? entry.values(modified)[0]}`);
            }
            return Promise.resolve();
          });
        const nowChanged = changed.sort().join();
        if (since === undefined || moved || nowChanged !== lastChanged) await readGroups(ldap, sink);
        lastChanged = nowChanged;
        const seen = later(since ?? '', newestOfAll === '' ? undefined : stamp(timeOf(newestOfAll) - overlapMs));
        return later(seen, stamp(startedAt - skewMs - overlapMs));
      });
      // An error of our own database is none of the connection to the directory.
      return run.catch((error: unknown) => Promise.reject((ours ?? error) as Error));
    },
  };
}

function watchedSink(sink: FactSink, failed: (error: unknown) => void): FactSink {
  const watch =
    <A extends unknown[], R>(call: (...of: A) => Promise<R>) =>
    async (...of: A): Promise<R> => {
      try {
        return await call(...of);
      } catch (error) {
        failed(error);
        throw error;
      }
    };
  return { people: watch(sink.people), known: watch(sink.known), members: watch(sink.members), complete: watch(sink.complete) };
}

const sinceFilter = (filter: Filter, since: string | undefined): Filter =>
  since === undefined ? filter : new AndFilter({ filters: [filter, new GreaterThanEqualsFilter({ attribute: modified, value: since })] });

/** A time as LDAP writes it, `20261201050000Z`: texts compare like times. */
const stamp = (ms: number): string => `${new Date(ms).toISOString().replace(/[-:T]|\..*$/g, '')}Z`;
const timeOf = (text: string): number => Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d).*$/, '$1-$2-$3T$4:$5:$6Z'));
const later = (one: string, other: string | undefined): string => (other !== undefined && other > one ? other : one);

/** What the mapping makes of an entry. */
function personOf(entry: Entry, settings: LdapSourceSettings, unusable: SourceOptions['unusable']): readonly SourcePerson[] {
  const { people } = settings;
  const [permanent] = entry.values(openldap.id);
  if (permanent === undefined) throw refused(`the reader may not read ${openldap.id} of entries below ${people.base}: check its rights`);
  const managerPlace = people.manager === undefined ? undefined : entry.values(people.manager)[0]?.replaceAll('\0', '');
  return personIn(settings, { entry: permanent, place: entry.dn, managerPlace }, (attribute) => entry.values(attribute), unusable);
}
