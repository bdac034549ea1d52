/** A target that cannot be reached is called by one piece of work at a time; the rest waits, and nothing of it is lost. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Engine, EngineOptions, ServiceDefinition, WorkHandler } from '../src/index.js';
import { TargetError, type Facts } from '@readmit/domain';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await house.close();
});

type Outcome = 'answers' | 'unreachable' | 'refuses';
/** Undos, one for each case `<connector>-<n>`, at a target that does as it is told. */
function undoing() {
  const state: { does: Outcome; readonly made: string[] } = { does: 'unreachable', made: [] };
  const handler: WorkHandler<string> = {
    lane: 'urgent',
    begin: () => ({ go: true, emit: [] }),
    call: async ({ key, connector }) => {
      state.made.push(key);
      if (connector === 'down' && state.does !== 'answers')
        throw new TargetError('the target is down', 'none', state.does === 'refuses' ? 'refused' : 'unreachable');
      return 'done';
    },
    finish: (_work, outcome, _facts, context) =>
      typeof outcome === 'string' ? { emit: [] } : { emit: [], retryAt: new Date(context.now.getTime() + 1_000) },
  };
  const definition: ServiceDefinition = {
    ...toy,
    react: (facts: Facts) => {
      const caseId = facts.first('readmit.approval.withdrawn')?.data.caseId ?? '';
      const work = { id: caseId, kind: 'undo', connector: caseId.split('-')[0] ?? '', object: caseId, notBefore: new Date(0) };
      return { emit: [], work: caseId ? [{ ...work, alsoKeys: [], input: {} }] : [] };
    },
    work: { undo: handler },
  };
  return { state, definition };
}
const named = (connector: string, count: number) => Array.from({ length: count }, (_, index) => withdrawn(`${connector}-${index}`));
const rows = async (connector: string) =>
  (await house.store('intake')).query<{ id: string; state: string; tries: number }>(
    'SELECT id, state, tries FROM work WHERE connector = $1 ORDER BY id',
    [connector],
  );
const allDone = (connector: string, count: number) => async (): Promise<boolean> => {
  const found = await rows(connector);
  return found.length === count && found.every(({ state }) => state === 'done');
};
function logged() {
  const lines: { readonly fields: unknown; readonly message: string }[] = [];
  const keep = (fields: unknown, message: string): void => void lines.push({ fields, message });
  const log: EngineOptions['log'] = { debug: () => undefined, info: keep, warn: keep, error: keep };
  return { log, of: (start: string) => lines.filter(({ message }) => message.startsWith(start)) };
}
const opened = (engine: Engine) => engine.openBreakers?.() ?? [];

describe('undos at a target that cannot be reached', () => {
  it('wait without a try while one at a time is tried, and all are done when it can be reached', async () => {
    const { state, definition } = undoing();
    const log = logged();
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does', log: log.log });
    await engine.start();
    await house.send('approval', named('down', 60));
    await until(() => opened(engine).length === 1, { what: 'the breaker opens', timeoutMs: 30_000 });
    expect(opened(engine)).toEqual([{ connector: 'down', lane: 'urgent', since: expect.any(Number) }]);
    expect(log.of('circuit breaker opened')).toHaveLength(1);
    await house.send('approval', named('works', 20));
    await until(allDone('works', 20), { what: 'the control, at another connector, is done', timeoutMs: 30_000 });
    await until(async () => (await rows('down')).length === 60 && (await rows('down')).every((row) => row.state === 'waiting'), {
      what: 'nothing is under way at the target',
      timeoutMs: 30_000,
    });
    const tries = (await rows('down')).reduce((sum, row) => sum + row.tries, 0);
    expect(tries).toBe(state.made.filter((key) => key.startsWith('down')).length);
    expect(tries).toBeLessThan(60);
    // The pauses pass by the clock that the engine has.
    const real = performance.now.bind(performance);
    let ahead = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => real() + ahead);
    state.does = 'answers';
    ahead = 60_000;
    await until(allDone('down', 60), { what: 'every undo is done', timeoutMs: 30_000 });
    expect([opened(engine), log.of('circuit breaker closed').length]).toEqual([[], 1]);
  }, 90_000);

  it('a target that refuses is reached: each is tried, and no breaker opens', async () => {
    const { state, definition } = undoing();
    state.does = 'refuses';
    const log = logged();
    const engine = await house.engine(definition, { leaseMs: 60_000, member: 'does', log: log.log });
    await engine.start();
    await house.send('approval', named('down', 60));
    await until(() => new Set(state.made).size === 60, { what: 'each is tried', timeoutMs: 30_000 });
    expect([opened(engine), log.of('circuit breaker')]).toEqual([[], []]);
  }, 60_000);
});
