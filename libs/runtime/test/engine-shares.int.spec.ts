/** Connectors share the calls of a lane: one that hangs leaves places to the others. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition, WorkHandler } from '../src/index.js';
import { lanes, type Facts, type Lane } from '@readmit/domain';
import { until } from '@readmit/testing';
import { candidates } from '../src/work-row.js';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(async () => {
  await house.close();
});

/** A case `<connector>-<n>` asks for work at its connector, each at an object of its own. */
function working(lane: Lane, call: WorkHandler<string>['call']): ServiceDefinition {
  const handler: WorkHandler<string> = {
    lane,
    begin: () => ({ go: true, emit: [] }),
    call,
    finish: () => ({ emit: [] }),
  };
  return {
    ...toy,
    react: (facts: Facts) => {
      const caseId = facts.first('readmit.approval.withdrawn')?.data.caseId ?? '';
      const [connector = ''] = caseId.split('-');
      const work = { id: caseId, kind: 'work', connector, object: caseId, notBefore: new Date(0), alsoKeys: [], input: {} };
      return { emit: [], work: caseId ? [work] : [] };
    },
    work: { work: handler },
  };
}
const named = (connector: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${connector}-${index}`);
const doneAt = async (connector: string): Promise<number> => {
  const [row] = await (
    await house.store('intake')
  ).query<{ n: number }>(`SELECT count(*)::integer AS n FROM work WHERE state = 'done' AND connector = $1`, [connector]);
  return row?.n ?? 0;
};
async function askFor(definition: ServiceDefinition, keys: readonly string[]): Promise<void> {
  const engine = await house.engine(definition, { workers: 0, member: 'asks' });
  await house.send(
    'approval',
    keys.map((key) => withdrawn(key)),
  );
  await engine.start();
  await until(async () => (await engine.progress()).workWaiting === keys.length, { what: 'the work waits', timeoutMs: 30_000 });
  await engine.stop();
}
function hanging() {
  const gate = Promise.withResolvers<void>();
  const made: string[] = [];
  const call: WorkHandler<string>['call'] = async ({ key, connector }) => {
    made.push(key);
    if (connector === 'hangs') await gate.promise;
    return 'done';
  };
  return { made, call, release: gate.resolve };
}

describe.each(lanes.map((lane) => ({ lane })))('in the $lane lane', ({ lane }) => {
  it('work at another connector is done while a connector hangs that has more and older work than there are calls', async () => {
    const { made, call, release } = hanging();
    const definition = working(lane, call);
    await askFor(definition, named('hangs', 40));
    const engine = await house.engine(definition, { workers: 8, leaseMs: 60_000, member: 'does' });
    await engine.start();
    const calls = lane === 'reading' ? 4 : 8;
    await until(() => made.length === calls, { what: 'the connector that hangs has all calls while it is alone' });
    await house.send(
      'approval',
      named('works', 20).map((key) => withdrawn(key)),
    );
    await until(async () => (await doneAt('works')) === 20, { what: 'the other work is done', timeoutMs: 30_000 });
    expect(made.filter((key) => key.startsWith('hangs'))).toHaveLength(calls);
    expect(await doneAt('hangs')).toBe(0);
    release();
    await until(async () => (await doneAt('hangs')) === 40, { what: 'the control, the rest, is done when it answers', timeoutMs: 30_000 });
  }, 60_000);

  it('a search gives the first of each connector before the second of any, and none of those that are full', async () => {
    await askFor(working(lane, hanging().call), [...named('hangs', 6), ...named('works', 2)]);
    const store = await house.store('intake');
    const found = async (full: readonly string[]) =>
      (await candidates(store, lane, { most: 5, except: [], full, leaseMs: 60_000 })).map(({ connector }) => connector);
    const fair = await found([]);
    expect([fair.length, fair.filter((connector) => connector === 'works').length]).toEqual([5, 2]);
    expect(await found(['hangs'])).toEqual(['works', 'works']);
  }, 60_000);
});
