/** People of an LDAP directory: read in pages, followed by modifyTimestamp, with nested groups. */
import { Bounded, ldapAddress, openldap, withSession, type Entry, type LdapSession } from '@readmit/connectors';
import { idPattern, type Directory } from '@readmit/contracts';
import { AndFilter, FilterParser, GreaterThanEqualsFilter, PresenceFilter, type Filter } from 'ldapts';
import { createHash } from 'node:crypto';
import type { FactSink, FactSource, SourcePerson } from './fact-source.js';
import { labelOf, type LdapSourceSettings } from './source-settings.js';
import { nestedMembers, refused } from './ldap-groups.js';

export interface LdapSourceOptions {
  readonly callTimeoutMs: number;
  readonly now: () => Date;
  /** Reports entries that cannot be used, by permanent id. */
  readonly unusable: (entry: string, why: string) => void;
}

const modified = 'modifyTimestamp';
/** Finer than a second: two changes of a group in one second differ. */
const change = 'entryCSN';
const maxPeople = 250_000;
/** Changes may show late, for example on a replica. */
const overlapMs = 60_000;
/** The clocks of the servers may differ by as much. */
const skewMs = 300_000;
const validId = new RegExp(idPattern);

export function ldapSource(settings: LdapSourceSettings, { callTimeoutMs, now, unusable }: LdapSourceOptions): FactSource {
  const { people, groups } = settings;
  const mapping = groups.map.map((group) => ({ dn: group.dn, label: labelOf(group) }));
  const labels = [...new Set(mapping.map(({ label }) => label))];
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
      moved = (await sink.people(page.flatMap((entry) => personIn(entry, settings, unusable)))) || moved;
    });
    return { newest, moved };
  }

  async function readGroups(ldap: LdapSession, sink: FactSink): Promise<void> {
    const nested = nestedMembers(ldap, sink.known);
    for (const label of labels) {
      for (const { dn } of mapping.filter((one) => one.label === label)) {
        let members = 0;
        await nested(dn, async (batch) => {
          members += batch.places.length + batch.entries.length;
          await sink.members(label, batch);
        });
        // Nothing else shows that the attribute of members is hidden, and privilege must not get lost by that.
        if (members === 0 && label === 'privileged')
          throw refused(`the privileged group ${dn} has no members: check the rights of the reader, or take it out of the mapping`);
      }
      await sink.complete(label);
    }
  }

  return {
    name: settings.name,
    covers: {
      teams: groups.map.flatMap((group) => ('team' in group ? [group.team] : [])),
      authority: groups.map.some((group) => 'authority' in group),
      contacts: people.contacts.length > 0,
      connectors: people.accounts.map(({ connector }) => connector),
      fileOnly: settings.fileOnly,
    },
    labels,
    mapping: createHash('sha256')
      .update(JSON.stringify([settings.url, people, groups]))
      .digest('hex'),
    pollSeconds: settings.pollSeconds,
    completeSeconds: settings.completeSeconds,
    acceptRemovals: settings.acceptRemovals,
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

type Contacts = Directory['people'][number]['contacts'];
const maxValues = 20;
const maxText = 500;

/** What the mapping makes of an entry; nobody if its id cannot be one. */
function personIn(entry: Entry, { people }: LdapSourceSettings, unusable: LdapSourceOptions['unusable']): readonly SourcePerson[] {
  const [permanent] = entry.values(openldap.id);
  if (permanent === undefined) throw refused(`the reader may not read ${openldap.id} of entries below ${people.base}: check its rights`);
  const [id, another] = entry.values(people.id);
  if (id === undefined || another !== undefined || !validId.test(id)) {
    const why = id === undefined ? 'has no value' : another === undefined ? 'cannot be an id of a person' : 'has several values';
    unusable(permanent, `${people.id} ${why}`);
    return [];
  }
  const humans = entry.values(people.human);
  const human = humans.length === 1 && humans[0] !== undefined && validId.test(humans[0]) ? humans[0] : undefined;
  const texts = (attribute: string): readonly string[] =>
    entry.values(attribute).filter((text) => text.length > 0 && text.length <= maxText && !text.includes('\0'));
  const employed = entry.values(people.employment.attribute).some((value) => people.employment.employee.includes(value));
  const contacts: Contacts = people.contacts.flatMap(({ kind, attribute }) => texts(attribute).map((value) => ({ kind, value })));
  const accounts = people.accounts.flatMap(({ connector, attribute }) =>
    entry
      .values(attribute)
      .filter((value) => validId.test(value))
      .map((object) => ({ connector, object })),
  );
  return [
    {
      entry: permanent,
      place: entry.dn,
      id,
      human,
      employment: employed ? 'employee' : 'vendor',
      managerPlace: people.manager === undefined ? undefined : entry.values(people.manager)[0]?.replaceAll('\0', ''),
      contacts: contacts.slice(0, maxValues),
      accounts: accounts.slice(0, maxValues),
    },
  ];
}
