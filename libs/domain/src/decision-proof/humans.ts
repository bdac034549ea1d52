import type { Person } from '@readmit/contracts';

/** Two spellings of one name: directories and identity providers differ by case and by compatible characters. */
export const fold = (name: string): string => name.normalize('NFKC').toLowerCase().normalize('NFKC');

/** The entries of an id. More than one is a fault of the directory, and nobody can say which of them holds. */
export const entriesOf = (people: readonly Person[], id: string): readonly Person[] => people.filter((person) => person.id === id);
/** What is said of such an id, whatever the person wants to do. */
export const duplicateMessage = 'The directory lists this person more than once; its maintainers must say which entry is right.';

/**
 * Which human an account is, as a name that is the same for all accounts of one human (R4.2): accounts with one id or one `human`, whatever
 * the case of the letters, and accounts that share a key are one. An id that nobody attests may be spelled as a `human` is.
 */
export function byHuman(people: readonly Person[]): (id: string) => string {
  const known = humans.get(people) ?? humansOf(people);
  humans.set(people, known);
  return known;
}
/** Of people who were asked about: a decision asks for the requester, the subject and each collector of the same people. */
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
