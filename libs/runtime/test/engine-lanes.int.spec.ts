/** Lanes of work: what takes power away waits for nobody, what only reads excludes nobody, and everything else waits for what is unheard. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EmbeddedBus, type Bus } from '@readmit/bus';
import type { EngineOptions, ServiceDefinition, WorkHandler } from '../src/index.js';
import type { Facts, Lane } from '@readmit/domain';
import { sqlStateOf, type Tx } from '@readmit/store';
import { until } from '@readmit/testing';
import { claimAll } from '../src/work-row.js';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await house.close();
});

type Kind = 'plan' | 'restore' | 'undo';
const lanes: Readonly<Record<Kind, Lane>> = { plan: 'reading', restore: 'ordinary', undo: 'urgent' };

/** A case whose id begins with a kind of work asks for it, at one object unless it names another behind an `@`, or several (`@erin+ada`). */
function working(call: WorkHandler<string>['call']): ServiceDefinition {
  const handler = (kind: Kind): WorkHandler<string> => ({
    lane: lanes[kind],
    begin: () => ({ go: true, emit: [] }),
    call,
    finish: () => ({ emit: [] }),
  });
  return {
    ...toy,
    react: (facts: Facts) => {
      const caseId = facts.first('readmit.approval.withdrawn')?.data.caseId ?? '';
      const [kind = ''] = caseId.split('-');
      const [object = '', ...others] = (caseId.split('@')[1] ?? 'erin').split('+');
      const alsoAt = others.map((other) => ({ connector: 'target', object: other }));
      const work = { id: `${caseId}/${kind}`, kind, connector: 'target', object, alsoAt, notBefore: new Date(0), alsoKeys: [], input: {} };
      return { emit: [], work: kind in lanes ? [work] : [] };
    },
    work: { plan: handler('plan'), restore: handler('restore'), undo: handler('undo') },
  };
}
const states = async (): Promise<Record<string, string>> => {
  const rows = await (
    await house.store('intake')
  ).query<{ key: string; state: string }>('SELECT key, state FROM work WHERE stands_in_for IS NULL ORDER BY key');
  return Object.fromEntries(rows.map(({ key, state }) => [key, state]));
};
const stateOf = async (key: string) => (await states())[key];
/** Has the work asked for, by a process that does none. */
async function askFor(definition: ServiceDefinition, keys: readonly string[]): Promise<void> {
  const engine = await house.engine(definition, { workers: 0, member: 'asks' });
  await house.send(
    'approval',
    keys.map((key) => withdrawn(key)),
  );
  await engine.start();
  await until(async () => Object.keys(await states()).length === keys.length, { what: 'the work waits' });
  await engine.stop();
}
/** Calls that do not end before they are released, in the order in which they were made. */
function held(which: (key: string) => boolean = () => true) {
  const made: string[] = [];
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const call: WorkHandler<string>['call'] = async ({ key }) => {
    made.push(key);
    if (which(key)) await gate;
    return 'done';
  };
  return { made, call, letGo: () => letGo() };
}

describe('an undo', () => {
  it('R6.2 R6.6 is done while everything that reads for others is under way and 200 more wait before it', async () => {
    const { made, call, letGo } = held((key) => key.startsWith('plan'));
    const plans = Array.from({ length: 200 }, (_, index) => `plan-${index}`);
    const definition = working(call);
    await askFor(definition, plans);
    const engine = await house.engine(definition, { workers: 4, leaseMs: 60_000, member: 'does' });
    await engine.start();
    await until(() => made.length === 2, { what: 'as many plans are read as there may be' });
    await house.send('approval', [withdrawn('undo-1'), withdrawn('restore-1')]);
    await until(async () => (await stateOf('undo-1')) === 'done' && (await stateOf('restore-1')) === 'done', {
      what: 'the undo and, as a control, the restoration of the same object are done',
    });
    expect(made.filter((key) => key.startsWith('plan'))).toHaveLength(2);
    letGo();
    await until(async () => Object.values(await states()).every((state) => state === 'done'), { what: 'all is done' });
  });

  it('R6.2 comes before what else waits for its object', async () => {
    const { made, call, letGo } = held((key) => key === 'restore-1');
    const definition = working(call);
    await askFor(definition, ['restore-1']);
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does' });
    await engine.start();
    await until(() => made.length === 1, { what: 'a restoration is under way' });
    await house.send('approval', [withdrawn('restore-2'), withdrawn('restore-3'), withdrawn('undo-1')]);
    await until(async () => Object.keys(await states()).length === 4, { what: 'all of them wait' });
    // One call at a time at an object that somebody changes.
    expect(made).toEqual(['restore-1']);
    letGo();
    await until(async () => Object.values(await states()).every((state) => state === 'done'), { what: 'all is done' });
    expect(made.slice(0, 2)).toEqual(['restore-1', 'undo-1']);
  });

  it('R6.2 waits for a call at its object only as long as one can be under way, and that result is dropped', async () => {
    const { made, call, letGo } = held((key) => key === 'restore-1');
    const definition = working(call);
    await askFor(definition, ['restore-1', 'undo-1', 'undo-2@ada']);
    const store = await house.store('intake');
    const lost = `UPDATE work SET state = 'running', fence = fence + 1, lease_until = clock_timestamp() + interval '40 seconds' WHERE id = 'restore-1/restore'`;
    // Its worker is gone in the middle of its call: 40 of 60 s of its lease are left.
    await store.query(lost);
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does' });
    await engine.start();
    await until(async () => (await stateOf('undo-2@ada')) === 'done', { what: 'the control, at another object, is done' });
    expect([await stateOf('undo-1'), made]).toEqual(['waiting', ['undo-2@ada']]);
    await store.query(`UPDATE work SET lease_until = clock_timestamp() + interval '29 seconds' WHERE id = 'restore-1/restore'`);
    await until(async () => (await stateOf('undo-1')) === 'done', { what: 'the undo is done' });
    const [row] = await store.query<{ fence: string; state: string }>(`SELECT fence, state FROM work WHERE id = 'restore-1/restore'`);
    expect(Number(row?.fence)).toBeGreaterThan(1);
    letGo();
    await until(async () => (await stateOf('restore-1')) === 'done', { what: 'the restoration is claimed again' });
    expect(made).toEqual(['undo-2@ada', 'undo-1', 'restore-1']);
  });

  it('R6.2 R6.4 does not wait until the bus was caught up; a restoration does, however long that takes', async () => {
    const { made, call } = held(() => false);
    const definition = working(call);
    await askFor(definition, ['restore-1', 'undo-1']);
    let lag = 1_000_000n;
    const warned: string[] = [];
    const bus = await EmbeddedBus.open({ service: 'intake', store: await house.store('intake'), pollMs: 50 });
    const behind = Object.assign(Object.create(bus) as Bus, {
      subscribe: async (options: Parameters<Bus['subscribe']>[0]) => {
        const subscription = await bus.subscribe(options);
        return Object.assign(Object.create(subscription) as typeof subscription, { lag: () => Promise.resolve(lag) });
      },
    });
    const log: EngineOptions['log'] = {
      debug: () => undefined,
      info: () => undefined,
      warn: (_fields, message) => void warned.push(message),
      error: () => undefined,
    };
    const engine = await house.engine(definition, { bus: behind, log, member: 'does' });
    await engine.start();
    await until(async () => (await stateOf('undo-1')) === 'done', { what: 'the undo is done' });
    const real = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => real() + 3_600_000);
    await until(() => warned.some((message) => message.startsWith('catching up: ')), { what: 'an hour later it logs that it waits' });
    expect([await stateOf('restore-1'), made]).toEqual(['waiting', ['undo-1']]);
    lag = 0n;
    await until(async () => (await stateOf('restore-1')) === 'done', { what: 'the restoration is done' });
    await engine.stop();
    await bus.close();
  });
});

describe('work at several objects', () => {
  const both = 'restore-1@erin+ada';
  const standIns = async () =>
    (await house.store('intake')).query<{ object: string }>('SELECT object FROM work WHERE stands_in_for IS NOT NULL');

  it('R6.5 is alone at each of them: what is at the second one waits, and the undo comes first there', async () => {
    const { made, call, letGo } = held((key) => key === both);
    const definition = working(call);
    await askFor(definition, [both]);
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does' });
    await engine.start();
    await until(() => made.length === 1, { what: 'the restoration at both is under way' });
    expect(await standIns()).toEqual([{ object: 'ada' }]);
    expect((await engine.progress()).workWaiting).toBe(1);
    await house.send('approval', [withdrawn('restore-2@ada'), withdrawn('undo-1@ada'), withdrawn('restore-3@zoe')]);
    await until(async () => (await stateOf('restore-3@zoe')) === 'done', { what: 'the control, at another object, is done' });
    expect([await stateOf('restore-2@ada'), await stateOf('undo-1@ada'), made]).toEqual(['waiting', 'waiting', [both, 'restore-3@zoe']]);
    letGo();
    await until(async () => Object.values(await states()).every((state) => state === 'done'), { what: 'all is done' });
    expect(made.slice(2)).toEqual(['undo-1@ada', 'restore-2@ada']);
    expect(await standIns()).toEqual([]);
  });

  it('R6.5 waits until each of them is free', async () => {
    const { made, call, letGo } = held((key) => key === 'restore-2@ada');
    const definition = working(call);
    await askFor(definition, ['restore-2@ada']);
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does' });
    await engine.start();
    await until(() => made.length === 1, { what: 'a restoration at the second object is under way' });
    await house.send('approval', [withdrawn(both), withdrawn('restore-3@erin+zoe')]);
    await until(async () => (await stateOf('restore-3@erin+zoe')) === 'done', { what: 'the control, whose objects are free, is done' });
    expect([await stateOf(both), made]).toEqual(['waiting', ['restore-2@ada', 'restore-3@erin+zoe']]);
    letGo();
    await until(async () => (await stateOf(both)) === 'done', { what: 'it is done' });
  });

  it('R6.2 that only reads stands in the way at none of them', async () => {
    const { made, call, letGo } = held((key) => key === 'plan-1@erin+ada');
    const definition = working(call);
    await askFor(definition, ['plan-1@erin+ada']);
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does' });
    await engine.start();
    await until(() => made.length === 1, { what: 'both are read' });
    expect(await standIns()).toEqual([]);
    letGo();
    await until(async () => (await stateOf('plan-1@erin+ada')) === 'done', { what: 'it is done' });
  });

  it('R6.2 whose result another process saves just now makes an undo wait for no lock: it is claimed once that is saved', async () => {
    await askFor(working(held().call), [both, 'undo-1@ada']);
    const store = await house.store('intake');
    const running = `UPDATE work SET state = 'running', lease_until = clock_timestamp() + interval '1 second' WHERE id = $1`;
    await store.query(running, [`${both}/restore`]);
    const claimed = (tx: Tx) => claimAll(tx, 'urgent', ['undo-1@ada/undo'], 60_000).then((rows) => rows.map(({ id }) => id));
    await store.transaction(async (other) => {
      await other.query('SELECT FROM work WHERE id = $1 FOR UPDATE', [`${both}/restore`]);
      // Refused by the index, which a worker takes as "not yet".
      expect(await store.transaction(claimed).catch(sqlStateOf)).toBe('23505');
      await other.query(`UPDATE work SET state = 'done', lease_until = NULL WHERE id = $1`, [`${both}/restore`]);
    });
    expect([await store.transaction(claimed), await standIns()]).toEqual([['undo-1@ada/undo'], []]);
  });

  it('R6.2 makes way at each of them for an undo when its worker is gone', async () => {
    const { made, call } = held(() => false);
    const definition = working(call);
    await askFor(definition, [both, 'undo-1@ada']);
    const store = await house.store('intake');
    const claim = (seconds: number) =>
      store.query(
        `UPDATE work SET state = 'running', fence = fence + 1, lease_until = clock_timestamp() + make_interval(secs => $2) WHERE id = $1`,
        [`${both}/restore`, seconds],
      );
    await claim(40);
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does' });
    await engine.start();
    await house.send('approval', [withdrawn('undo-2@zoe')]);
    await until(async () => (await stateOf('undo-2@zoe')) === 'done', { what: 'the control, at another object, is done' });
    expect([await stateOf('undo-1@ada'), made]).toEqual(['waiting', ['undo-2@zoe']]);
    await claim(29);
    await until(async () => (await stateOf(both)) === 'done', { what: 'both are done' });
    expect(made).toEqual(['undo-2@zoe', 'undo-1@ada', both]);
    expect(await standIns()).toEqual([]);
  });
});
