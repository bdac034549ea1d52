/** Lists that a server gives in pages by position: an entry that appears or disappears meanwhile moves the others. */
import type { FactSink, SourcePerson } from './fact-source.js';
import { refused } from './source-mapping.js';

/** A list that moved, or is not all there, is read again, so many times. */
const rounds = 3;

interface Paged<T> {
  /** For messages, e.g. `the users of people`. */
  readonly what: string;
  /** Entries from `first` on (0: the first of all), as many as the server likes to give. */
  readonly page: (first: number) => Promise<readonly T[]>;
  /** Called again for all entries when the list is read again. */
  readonly take: (entries: readonly T[]) => Promise<void>;
  /** Why a list of so many entries cannot be all of it. */
  readonly incomplete?: (read: number) => Promise<string | undefined>;
}

/**
 * Reads a list in pages that overlap by one entry, so that entries which move are noticed. It ends with a page that has nothing new, because
 * something on the way may have cut a short one.
 * @throws {TargetError} it moved, or was incomplete, each time.
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

/** Reads people in pages. @throws {TargetError} as `inPages`, and when nobody has an id: a first run would accept that. */
export async function peopleInPages<T extends { readonly id: string }>(
  name: string,
  paged: Omit<Paged<T>, 'take'>,
  sink: FactSink,
  personOf: (entry: T) => readonly SourcePerson[],
): Promise<void> {
  let usable = 0;
  await inPages<T>({
    ...paged,
    take: async (entries) => {
      const people = entries.flatMap(personOf);
      usable += people.length;
      await sink.people(people);
    },
  });
  if (usable === 0) throw refused(`${name} shows nobody who has the id of the mapping: check people.id, and the rights of the reader`);
}

/** @returns the number of entries; undefined: the list moved. */
async function onePass<T extends { readonly id: string }>({ page, take }: Paged<T>): Promise<number | undefined> {
  let read = 0;
  let before: string | undefined;
  for (;;) {
    const entries = await page(Math.max(0, read - 1));
    if (before !== undefined && entries[0]?.id !== before) return undefined;
    const fresh = before === undefined ? entries : entries.slice(1);
    if (fresh.length === 0) return read;
    await take(fresh);
    read += fresh.length;
    before = fresh.at(-1)?.id;
  }
}
