/** When everything has been heard that lay on the bus at the start. The bus here is made up: nothing comes but what the spec counts. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { until } from '@readmit/testing';
import { Consumer } from './consumer.js';
import type { Inbox } from './inbox.js';
import type { Transactor } from './transact.js';

/** `lags`: what the bus answers, the last one for good. */
async function started(...lags: readonly [bigint, ...bigint[]]) {
  const counters = { messages: 0 };
  let asked = 0;
  let over = (): void => undefined;
  const subscription = {
    next: () => new Promise<undefined>((resolve) => (over = () => resolve(undefined))),
    lag: () => Promise.resolve(lags[Math.min(asked++, lags.length - 1)]),
    close: () => Promise.resolve(over()),
  };
  const transactor = {
    counters,
    options: {
      bus: { subscribe: () => Promise.resolve(subscription) },
      definition: { name: 'execution', consumes: ['readmit.case.opened'] },
    },
  } as unknown as Transactor;
  const consumer = new Consumer(transactor, {} as Inbox, 'member', () => 'id');
  await consumer.start();
  return { consumer, counters, asked: () => asked };
}

describe('a service that starts behind its topics', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('asks the bus once how far that is, and is caught up when it has heard so many', async () => {
    const { consumer, counters, asked } = await started(5n);
    const caughtUp = consumer.caughtUp();
    await until(() => asked() === 1, { what: 'the bus was asked' });
    counters.messages = 5;
    await caughtUp;
    expect(asked()).toBe(1);
    await consumer.stop();
  });

  it('asks again a second later: what another member hears by now is not waited for', async () => {
    const { consumer, asked } = await started(5n, 0n);
    const caughtUp = consumer.caughtUp();
    await until(() => asked() === 1, { what: 'the bus was asked' });
    const real = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => real() + 1_000);
    await caughtUp;
    expect(asked()).toBe(2);
    await consumer.stop();
  });
});
