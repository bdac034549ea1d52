/** What the mapping of a live source makes of its entries: the same for every kind of source. */
import { TargetError } from '@readmit/connectors';
import { idPattern, type Directory } from '@readmit/contracts';
import { createHash } from 'node:crypto';
import type { FactSink, FactSource, SourcePerson } from './fact-source.js';
import { labelOf, nameOf, type Mapped, type SourceSettings } from './source-settings.js';

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

/** All of a source but how it is read. */
export function aboutSource(settings: SourceSettings): Omit<FactSource, 'read'> {
  const { people, groups } = settings;
  const map: readonly Mapped[] = groups.map;
  return {
    name: settings.name,
    covers: {
      teams: map.flatMap((one) => ('team' in one ? [one.team] : [])),
      authority: map.some((one) => 'authority' in one),
      contacts: people.contacts.length > 0,
      connectors: people.accounts.map(({ connector }) => connector),
      fileOnly: settings.fileOnly,
    },
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

/** What the mapping makes of an entry; nobody if its id cannot be one. `values`: all of an attribute, or those of a type. */
export function personIn(
  { people }: SourceSettings,
  at: Pick<SourcePerson, 'entry' | 'place' | 'managerPlace'>,
  values: (attribute: string, type?: string) => readonly string[],
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
  const employed = values(people.employment.attribute).some((value) => people.employment.employee.includes(value));
  const contacts: Contacts = people.contacts.flatMap((contact) =>
    values(contact.attribute, 'type' in contact ? contact.type : undefined)
      .filter((text) => text.length > 0 && text.length <= maxText && !text.includes('\0'))
      .map((value) => ({ kind: contact.kind, value })),
  );
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

/** Entries of a batch: by place, and by permanent id. */
export type TakeMembers = (batch: Parameters<FactSink['members']>[1]) => Promise<void>;

/** Gives the sink who has each label. What several labels are mapped from is read once; nobody loses a label before all were read. */
export async function readMembers<M extends Mapped>(
  map: readonly M[],
  sink: FactSink,
  membersOf: (mapped: M, take: TakeMembers) => Promise<void>,
): Promise<void> {
  for (const [name, [mapped, ...others]] of Map.groupBy(map, nameOf)) {
    if (!mapped) continue;
    const labels = [mapped, ...others].map(labelOf);
    let count = 0;
    await membersOf(mapped, async (batch) => {
      count += batch.places.length + batch.entries.length;
      for (const label of labels) await sink.members(label, batch);
    });
    // Nothing else shows that members are hidden from the reader, and privilege must not get lost by that.
    if (count === 0 && labels.includes('privileged'))
      throw refused(`the privileged ${name} has no members: check the rights of the reader, or take it out of the mapping`);
  }
  for (const label of new Set(map.map(labelOf))) await sink.complete(label);
}
