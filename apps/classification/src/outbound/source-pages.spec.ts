/** Lists that change while they are read in pages of three. */
import { describe, expect, it } from '@jest/globals';
import { inPages, peopleInPages } from './source-pages.js';

/** Each letter is an entry. The list has the next of these states at each request; the last one stays. */
function list(...states: readonly string[]) {
  const taken: string[] = [];
  let requests = 0;
  return {
    taken,
    paged: {
      what: 'the letters of the list',
      page: (first: number) => {
        const state = states[Math.min(requests++, states.length - 1)] ?? '';
        return Promise.resolve([...state.slice(first, first + 3)].map((id) => ({ id })));
      },
      take: (entries: readonly { readonly id: string }[]) => Promise.resolve(void taken.push(entries.map(({ id }) => id).join(''))),
    },
  };
}

describe('a list in pages', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['takes each entry once', ['abcdefg'], ['abc', 'de', 'fg']],
    ['may be empty', [''], []],
    ['is read again when an entry that was read is gone', ['abcdefg', 'bcdefg'], ['abc', 'bcd', 'ef', 'g']],
    ['is read again when an entry comes before what was read', ['abcdefg', '0abcdefg'], ['abc', '0ab', 'cd', 'ef', 'g']],
    // The number stays the same, and d would be missed.
    ['is read again when one entry is gone and another is new', ['abcdefg', 'bcdefgh'], ['abc', 'bcd', 'ef', 'gh']],
    ['has entries that are added at its end', ['abc', 'abcd'], ['abc', 'd']],
  ])('%s', async (_what, states, expected) => {
    const { paged, taken } = list(...states);
    await inPages(paged);
    expect(taken).toEqual(expected);
  });

  it('is refused when it moves three times, and when it is never complete', async () => {
    const moving = list('abcd', 'bcd', 'abcd', 'bcd', 'abcd', 'bcd');
    await expect(inPages(moving.paged)).rejects.toThrow('the letters of the list changed while they were read, 3 times: nobody is removed');
    const short = list('abc');
    const incomplete = (read: number) => Promise.resolve(read === 4 ? undefined : `4 are counted and ${read} shown`);
    await expect(inPages({ ...short.paged, incomplete })).rejects.toThrow('4 are counted and 3 shown, 3 times: nobody is removed');
    const late = list('abc', 'abc', 'abcd');
    await inPages({ ...late.paged, incomplete });
    expect(late.taken).toEqual(['abc', 'abc', 'd']);
  });

  it('of people is refused when nobody can be used', async () => {
    const saved: unknown[] = [];
    const sink = { people: (batch: unknown) => Promise.resolve(saved.push(batch) > 0) } as unknown as Parameters<typeof peopleInPages>[2];
    const { paged } = list('ab');
    await expect(peopleInPages('hr', paged, sink, () => [])).rejects.toThrow('hr shows nobody who has the id of the mapping');
    const ada = { id: 'ada' } as never;
    await peopleInPages('hr', list('ab').paged, sink, ({ id }) => (id === 'b' ? [ada] : []));
    expect(saved.at(-1)).toEqual([ada]);
  });
});
