/** Which transactions a batch with poison messages becomes, and what moves the position. */
import { describe, expect, it } from '@jest/globals';
import type { Batch } from '@readmit/bus';
import { persistBisecting } from './bisect-batch.js';

const batch = {} as Batch;
class Fault extends Error {}

/** Messages are numbers; a negative one is the refusal of its number. */
function transactions(poison: readonly number[], failure: (n: number) => Error = () => new Fault('poison')) {
  const done: string[] = [];
  return {
    done,
    transaction: {
      transact: async (messages: readonly number[], moved: Batch | undefined, bisecting: boolean) => {
        const found = messages.find((n) => poison.includes(n));
        if (found !== undefined) throw failure(found);
        done.push(`${messages.join(' ')}${moved ? ' position' : ''}${bisecting ? ' alone' : ''}`);
      },
      isMessageFault: (error: unknown) => error instanceof Fault,
      refused: (n: number) => (n < 0 ? undefined : -n),
    },
  };
}

describe('a batch of messages', () => {
  it('is one transaction while none of them is at fault', async () => {
    const { done, transaction } = transactions([]);
    await persistBisecting([1, 2, 3, 4, 5], batch, transaction);
    await persistBisecting([], batch, transaction);
    expect(done).toEqual(['1 2 3 4 5 position', ' position']);
  });
  it('R8.3 is bisected until the message at fault is alone and parked; the last part moves the position', async () => {
    const { done, transaction } = transactions([3, 5]);
    await persistBisecting([1, 2, 3, 4, 5], batch, transaction);
    expect(done).toEqual(['1 2 alone', '-3 alone', '4 alone', '-5 position alone']);
  });
  it('R8.1 fails as a whole in an outage, and when a refusal cannot be parked either', async () => {
    const outage = transactions([2], () => new Error('the database is down'));
    await expect(persistBisecting([1, 2], batch, outage.transaction)).rejects.toThrow('the database is down');
    expect(outage.done).toEqual([]);
    const unparkable = transactions([2, -2]);
    await expect(persistBisecting([2], batch, unparkable.transaction)).rejects.toThrow('poison');
    expect(unparkable.done).toEqual([]);
  });
});
