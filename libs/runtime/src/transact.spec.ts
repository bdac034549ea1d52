/** Which transaction goes first. The database here is made up: it commits when it is told to. */
import { describe, expect, it } from '@jest/globals';
import type { Tx } from '@readmit/store';
import type { EngineOptions } from './options.js';
import { Transactor, type TransactionPart } from './transact.js';

describe('transactions that wait', () => {
  it('R6.2 go behind those that take something back, which keep their order', async () => {
    const order: string[] = [];
    const tx = { query: async () => [{ now: new Date(0), key: null }] } as unknown as Tx;
    let free: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (free = resolve));
    const options = {
      definition: { name: 'execution', consumes: [], react: () => ({ emit: [] }), work: {}, wakes: 'deadline' },
      store: {
        query: async () => [],
        transaction: async (work: (tx: Tx) => Promise<unknown>) => {
          if (order.length === 0) await first;
          return work(tx);
        },
      },
    } as unknown as EngineOptions;
    const transactor = new Transactor(options, () => 'id');
    const run = (name: string, urgent: boolean): Promise<unknown> => {
      const part: TransactionPart = { alone: true, urgent, keys: () => [], decide: () => void order.push(name) };
      return transactor.run(part);
    };
    const all = [run('under way', false)];
    await new Promise((resolve) => setImmediate(resolve));
    all.push(run('plan 1', false), run('plan 2', false), run('undo 1', true), run('undo 2', true));
    free();
    await Promise.all(all);
    expect(order).toEqual(['under way', 'undo 1', 'undo 2', 'plan 1', 'plan 2']);
  });
});
