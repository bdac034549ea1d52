/** What the mapping of a live source makes of its entries: the same for every kind of source. */
import { TargetError } from '@readmit/connectors';
import { idPattern, type Directory } from '@readmit/contracts';
import { createHash } from 'node:crypto';
import type { FactSource, SourcePerson } from './fact-source.js';
import { labelOf, type SourceSettings } from './source-settings.js';

export interface SourceOptions {
  readonly callTimeoutMs: number;
  readonly now: () => Date;
  /** Reports entries that cannot be used, by permanent id. */
  readonly unusable: (entry: string, why: string) => void;
}

export const maxPeople = 250_000;
/** Groups that the groups of the mapping lead to, in one run: each is a request. */
export const maxLookups = 20_000;

/** What is wrong with the content; every other error is taken for one of the connection. */
export const refused = (message: string): TargetError => new TargetError(message, 'none', 'refused');

/** Nothing else shows that members are hidden from the reader, and privilege must not get lost by that. */
export const withoutMembers = (what: string): TargetError =>
  refused(`the privileged ${what} has no members: check the rights of the reader, or take it out of the mapping`);

/** A first run would accept that, and every case would be about strangers. */
export const withoutPeople = (name: string): TargetError =>
  refused(`${name} shows nobody who has the id of the mapping: check people.id, and the rights of the reader`);

/** All of a source but how it is read. */
export function aboutSource(settings: SourceSettings): Omit<FactSource, 'read'> {
  const { people, groups } = settings;
  const map: readonly SourceSettings['groups']['map'][number][] = groups.map;
  return {
    name: settings.name,
    covers: {
      teams: map.flatMap((one) => ('team' in one ? [one.team] : [])),
      authority: map.some((one) => 'authority' in one),
      contacts: people.contacts.length > 0,
      connectors: people.accounts.map(({ connector }) => connector),
      fileOnly: settings.fileOnly,
    },
    labels: [...new Set(map.map(labelOf))],
    mapping: createHash('sha256')
      .update(JSON.stringify([settings.url, people, groups]))
      .digest('hex'),
    pollSeconds: settings.pollSeconds,
    completeSeconds: settings.kind === 'ldap' ? settings.completeSeconds : 0,
    acceptRemovals: settings.acceptRemovals,
  };
}

type Contacts = Directory['people'][number]['contacts'];
const maxValues = 20;
const maxText = 500;
const validId = new RegExp(idPattern);

/** What the mapping makes of an entry; nobody if its id cannot be one. `values`: all of an attribute. */
export function personIn(
  { people }: SourceSettings,
  at: Pick<SourcePerson, 'entry' | 'place' | 'managerPlace'>,
  values: (attribute: string) => readonly string[],
  unusable: SourceOptions['unusable'],
): readonly SourcePerson[] {
  const [id, another] = values(people.id);
  if (id === undefined || another !== undefined || !validId.test(id)) {
    const why = id === undefined ? 'has no value' : another === undefined ? 'cannot be an id of a person' : 'has several values';
    unusable(at.entry, `${people.id} ${why}`);
    return [];
  }
  const humans = values(people.human);
  const human = humans.length === 1 && humans[0] !== undefined && validId.test(humans[0]) ? humans[0] : undefined;
  const texts = (attribute: string): readonly string[] =>
    values(attribute).filter((text) => text.length > 0 && text.length <= maxText && !text.includes('\0'));
  const employed = values(people.employment.attribute).some((value) => people.employment.employee.includes(value));
  const contacts: Contacts = people.contacts.flatMap(({ kind, attribute }) => texts(attribute).map((value) => ({ kind, value })));
  const accounts = people.accounts.flatMap(({ connector, attribute }) =>
    values(attribute)
      .filter((value) => validId.test(value))
      .map((object) => ({ connector, object })),
  );
  return [
    {
      ...at,
      id,
      human,
      employment: employed ? 'employee' : 'vendor',
      contacts: contacts.slice(0, maxValues),
      accounts: accounts.slice(0, maxValues),
    },
  ];
}

/** A list that changes while it is read in pages may lose an entry: then it is read again, so many times. */
const rounds = 3;

interface Paged<T> {
  /** For messages, e.g. `the users of people`. */
  readonly what: string;
  /** Entries from `first` on (0: the first of all), and whether the list ends with them. */
  readonly page: (first: number) => Promise<{ readonly entries: readonly T[]; readonly last: boolean }>;
  /** Called again for all entries when the list is read again. */
  readonly take: (entries: readonly T[]) => Promise<void>;
  /** Why a list of so many entries cannot be all of it. */
  readonly incomplete?: (read: number) => Promise<string | undefined>;
}

/**
 * Reads a list in pages that overlap by one entry, so that entries which move meanwhile are noticed.
 * @throws {TargetError} it changed, or was incomplete, each time.
 */
export async function inPages<T extends { readonly id: string }>(paged: Paged<T>): Promise<void> {
  let why: string | undefined;
  for (let round = 0; round < rounds; round += 1) {
    const read = await onePass(paged);
    why = read === undefined ? `${paged.what} changed while they were read` : await paged.incomplete?.(read);
    if (why === undefined) return;
  }
  throw refused(`${why}, ${rounds} times: nobody is removed, the next run reads them again`);
}

/** @returns the number of entries; undefined: the list moved. */
async function onePass<T extends { readonly id: string }>({ page, take }: Paged<T>): Promise<number | undefined> {
  let read = 0;
  let before: string | undefined;
  for (;;) {
    const { entries, last } = await page(Math.max(0, read - 1));
    if (before !== undefined && entries[0]?.id !== before) return undefined;
    const fresh = before === undefined ? entries : entries.slice(1);
    if (fresh.length > 0) await take(fresh);
    read += fresh.length;
    before = entries.at(-1)?.id ?? before;
    if (last || fresh.length === 0) return read;
  }
}
