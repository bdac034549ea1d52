/** The message loop by itself: what is confirmed, what is retried, and when a backlog has been processed. The bus here is made up. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { StaleOwnerError, type Batch, type TopicRecord } from '@readmit/bus';
import { until } from '@readmit/testing';
import { MessageLoop, type BatchHandler } from './message-loop.js';

/** `lags`: what the bus answers, the last one for good. */
async function started(handler: BatchHandler, lags: readonly [bigint, ...bigint[]] = [0n]) {
  const counters = { batches: 0, messages: 0 };
  const seen = { asked: 0, confirmed: 0, closed: false, logged: [] as string[] };
  let give: (batch: Batch | undefined) => void = () => undefined;
  const subscription = {
    next: () => new Promise<Batch | undefined>((resolve) => (give = resolve)),
    lag: () => Promise.resolve(lags[Math.min(seen.asked++, lags.length - 1)] ?? 0n),
    close: () => {
      seen.closed = true;
      give(undefined);
      return Promise.resolve();
    },
  };
  const note = (_fields: object, message: string): void => void seen.logged.push(message);
  const loop = new MessageLoop(
    {
      service: 'execution',
      bus: { subscribe: () => Promise.resolve(subscription) },
      group: 'execution',
      topics: ['readmit.intake.v1'],
      member: 'member',
      log: { info: note, warn: note, error: note },
      counters,
      now: () => new Date(0),
    },
    handler,
  );
  await loop.start();
  const batch = (): Batch => ({
    records: [{} as TopicRecord],
    commit: () => Promise.resolve(),
    afterCommit: () => {
      seen.confirmed++;
      return Promise.resolve();
    },
  });
  return { loop, counters, seen, give: () => give(batch()) };
}
const nothing: BatchHandler = { persist: () => Promise.resolve() };

describe('a batch', () => {
  it('R8.1 is confirmed and counted once it is durable', async () => {
    const steps: string[] = [];
    const { loop, counters, seen, give } = await started({
      persist: async () => void steps.push('persist'),
      persisted: () => void steps.push(`persisted, ${seen.confirmed} confirmed`),
      confirmed: () => void steps.push(`confirmed, ${seen.confirmed} confirmed`),
    });
    give();
    await until(() => seen.confirmed === 1, { what: 'it is confirmed' });
    await loop.stop();
    expect(steps).toEqual(['persist', 'persisted, 0 confirmed', 'confirmed, 1 confirmed']);
    expect(counters).toEqual({ batches: 1, messages: 1 });
  });

  it('R8.1 that arrives while the loop stops is neither processed nor confirmed: it is redelivered', async () => {
    const persist = jest.fn(() => Promise.resolve());
    const { loop, counters, seen, give } = await started({ persist });
    give();
    await loop.stop();
    expect([persist.mock.calls.length, seen.confirmed, counters.batches]).toEqual([0, 0, 0]);
  });

  it('R8.1 that cannot be persisted is retried with the error in sight, and given up unconfirmed when the loop stops', async () => {
    let tries = 0;
    const persist = (): Promise<void> => (++tries < 3 ? Promise.reject(new Error('the database is down')) : Promise.resolve());
    const { loop, seen, give } = await started({ persist });
    give();
    await until(() => tries === 1 && loop.failing !== undefined, { what: 'it has failed' });
    expect(loop.failing).toBe('could not persist a batch: the database is down');
    await until(() => seen.confirmed === 1, { what: 'it is confirmed' });
    expect([tries, loop.failing, seen.logged]).toEqual([3, undefined, Array(2).fill('could not persist a batch; retrying')]);
    tries = -100;
    give();
    await until(() => loop.failing !== undefined, { what: 'it fails again' });
    await loop.stop();
    expect(seen.confirmed).toBe(1);
  });

  it('R8.1 of which another member owns a partition by now is dropped without a retry, and the loop continues', async () => {
    let tries = 0;
    const stale = new Error('rolled back', { cause: new StaleOwnerError('execution', ['readmit.intake.v1/0']) });
    const { loop, seen, give } = await started({ persist: () => (++tries === 1 ? Promise.reject(stale) : Promise.resolve()) });
    give();
    await until(() => seen.logged.length === 1, { what: 'it is dropped' });
    expect([seen.confirmed, loop.failing]).toEqual([0, undefined]);
    expect(seen.logged).toEqual(['dropped a batch: another member of the group owns one of its partitions now']);
    await new Promise((resolve) => setImmediate(resolve));
    give();
    await until(() => seen.confirmed === 1, { what: 'the next one is confirmed' });
    expect(tries).toBe(2);
    await loop.stop();
  });

  it('R8.1 under way when the loop stops is finished and confirmed before the subscription closes', async () => {
    let finish = (): void => undefined;
    let closedBefore: boolean | undefined;
    const { loop, seen, give } = await started({
      persist: () => new Promise<void>((resolve) => (finish = resolve)),
      confirmed: () => void (closedBefore = seen.closed),
    });
    const idle = finish;
    give();
    await until(() => finish !== idle, { what: 'it is under way' });
    const stopped = loop.stop();
    finish();
    await stopped;
    expect([seen.confirmed, closedBefore, seen.closed]).toEqual([1, false, true]);
  });
});

describe('a service that starts behind its topics', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('asks the bus once how far that is, and is caught up when it has processed so many', async () => {
    const { loop, counters, seen } = await started(nothing, [5n]);
    const caughtUp = loop.caughtUp();
    await until(() => seen.asked === 1, { what: 'the bus was asked' });
    // Its answer arrives: what is processed before that does not count towards it.
    await new Promise((resolve) => setImmediate(resolve));
    counters.messages = 5;
    await caughtUp;
    expect(seen.asked).toBe(1);
    await loop.stop();
  });

  it('asks again a second later: what another member processes by now is not waited for', async () => {
    const { loop, seen } = await started(nothing, [5n, 0n]);
    const caughtUp = loop.caughtUp();
    await until(() => seen.asked === 1, { what: 'the bus was asked' });
    const real = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => real() + 1_000);
    await caughtUp;
    expect(seen.asked).toBe(2);
    await loop.stop();
  });
});
