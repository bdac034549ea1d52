import type { Person } from '@readmit/contracts';

/** Normalizes a name: directories and identity providers differ in case and in compatible characters. */
export const fold = (name: string): string => name.normalize('NFKC').toLowerCase().normalize('NFKC');

/** The entries with an id. More than one is an error in the directory, and it is unknown which is right. */
export const entriesOf = (people: readonly Person[], id: string): readonly Person[] => people.filter((person) => person.id === id);
/** Message of every refusal for such an id. */
export const duplicateEntryMessage = 'The directory lists this person more than once. Its maintainers must remove the wrong entry.';

/**
 * Gives each account a name that is the same for all accounts of one human (R4.2): accounts with the same id or `human`,
 * ignoring case, and accounts that share a key. An id that is not attested is compared with the `human` names.
 */
export function byHuman(people: readonly Person[]): (id: string) => string {
  const known = humans.get(people) ?? humansOf(people);
  humans.set(people, known);
  return known;
}
/** Cached: a decision looks up requester, subject and each collector among the same people. */
const humans = new WeakMap<readonly Person[], (id: string) => string>();

function humansOf(people: readonly Person[]): (id: string) => string {
  const parent = new Map<string, string>();
  const root = (of: string): string => {
    let top = of;
    for (let above = parent.get(top); above !== undefined; above = parent.get(top)) top = above;
    if (top !== of) parent.set(of, top);
    return top;
  };
  const join = (one: string, other: string): void => {
    const [a, b] = [root(one), root(other)];
    if (a !== b) parent.set(a, b);
  };
  const attested = new Set<string>();
  for (const { id, human, keys } of people) {
    attested.add(fold(id));
    join(`id ${fold(id)}`, `human ${fold(human)}`);
    for (const { key } of keys) join(`id ${fold(id)}`, `key ${key.x}`);
  }
  return (id) => root(attested.has(fold(id)) ? `id ${fold(id)}` : `human ${fold(id)}`);
}
