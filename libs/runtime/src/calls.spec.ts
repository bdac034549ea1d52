import { describe, expect, it } from '@jest/globals';
import { Calls } from './calls.js';

/** A call that ends when it is told to. */
function held(): { readonly call: () => Promise<void>; readonly end: () => void; readonly begun: () => boolean } {
  const ended = Promise.withResolvers<void>();
  let begun = false;
  return {
    call: () => {
      begun = true;
      return ended.promise;
    },
    end: ended.resolve,
    begun: () => begun,
  };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calls to the outside', () => {
  it('lets no more be under way than there is room for, and serves who waits in the order of arrival', async () => {
    const calls = new Calls(2, 30_000);
    const four = [held(), held(), held(), held()];
    const all = four.map(({ call }) => calls.run('post', call));
    await turn();
    expect(four.map(({ begun }) => begun())).toEqual([true, true, false, false]);
    four[1]?.end();
    await turn();
    expect(four.map(({ begun }) => begun())).toEqual([true, true, true, false]);
    for (const { end } of four) end();
    await Promise.all(all);
    expect(four.every(({ begun }) => begun())).toBe(true);
  });

  it('gives the room of a call that failed to the next', async () => {
    const calls = new Calls(1, 30_000);
    const failed = calls.run('post', () => Promise.reject(new Error('no answer')));
    const next = calls.run('post', () => Promise.resolve('answered'));
    await expect(failed).rejects.toThrow('no answer');
    await expect(next).resolves.toBe('answered');
  });

  it('allows claims beyond its room only while calls are quick', async () => {
    const calls = new Calls(4, 600);
    expect(calls.claims('post')).toBe(4);
    await calls.run('post', () => Promise.resolve());
    expect(calls.claims('post')).toBeGreaterThan(4);
    // Ten milliseconds are a sixtieth of the lease: a longer call leaves no time for a second one before it.
    const began = performance.now();
    await calls.run('post', async () => {
      while (performance.now() - began < 25) await turn();
    });
    expect(calls.claims('post')).toBe(4);
  });

  it('keeps a quarter of its room for the others when one connector has all calls', async () => {
    const calls = new Calls(4, 30_000);
    const hanging = Array.from({ length: 6 }, held);
    const other = [held(), held()];
    const all = [...hanging.map(({ call }) => calls.run('hangs', call)), ...other.map(({ call }) => calls.run('works', call))];
    await turn();
    expect(hanging.filter(({ begun }) => begun())).toHaveLength(4);
    expect(other.map(({ begun }) => begun())).toEqual([true, false]);
    other[0]?.end();
    await turn();
    expect(other.map(({ begun }) => begun())).toEqual([true, true]);
    for (const { end } of [...hanging, ...other]) end();
    await Promise.all(all);
  });

  it('gives a room that becomes free to the connector with the fewest calls, even if another waited longer', async () => {
    const calls = new Calls(4, 30_000);
    const busy = Array.from({ length: 6 }, held);
    const other = Array.from({ length: 3 }, held);
    const all = [...busy.map(({ call }) => calls.run('busy', call)), ...other.map(({ call }) => calls.run('other', call))];
    await turn();
    for (const one of busy.slice(0, 2)) one.end();
    await turn();
    expect(busy.slice(4).map(({ begun }) => begun())).toEqual([false, false]);
    expect(other.map(({ begun }) => begun())).toEqual([true, true, false]);
    for (const { end } of [...busy, ...other]) end();
    await Promise.all(all);
  });

  it('takes a slow connector for slow, and no other', async () => {
    const calls = new Calls(4, 600);
    const began = performance.now();
    await calls.run('slow', async () => {
      while (performance.now() - began < 25) await turn();
    });
    await calls.run('quick', () => Promise.resolve());
    expect(calls.claims('slow')).toBe(4);
    expect(calls.claims('quick')).toBeGreaterThan(4);
  });
});
