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
    const all = four.map(({ call }) => calls.run(call));
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
    const failed = calls.run(() => Promise.reject(new Error('no answer')));
    const next = calls.run(() => Promise.resolve('answered'));
    await expect(failed).rejects.toThrow('no answer');
    await expect(next).resolves.toBe('answered');
  });

  it('allows claims beyond its room only while calls are quick', async () => {
    const calls = new Calls(4, 600);
    expect(calls.claims).toBe(4);
    await calls.run(() => Promise.resolve());
    expect(calls.claims).toBeGreaterThan(4);
    // Ten milliseconds are a sixtieth of the lease: a longer call leaves no time for a second one before it.
    const began = performance.now();
    await calls.run(async () => {
      while (performance.now() - began < 25) await turn();
    });
    expect(calls.claims).toBe(4);
  });
});
