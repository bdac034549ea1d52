/**
 * The batch path on a real database and on both buses: poison parks alone, repetition and order change nothing, and the
 * cost in statements and commits does not grow with the batch.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { until, testBroker } from '@readmit/testing';
import pg from 'pg';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

const cases = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `case-${from + at}`);

let house: House;

describe.each(['embedded', 'kafka'] as const)('a batch of the %s bus', (kind) => {
  beforeAll(async () => void (kind === 'kafka' && (await testBroker())), 240_000);
  beforeEach(async () => {
    house = await openHouse(kind);
  });
  afterEach(() => house.close());

  it('says what follows from its facts, signed, with cause and correlation', async () => {
    const [sent] = await house.send('approval', [withdrawn('case-1')]);
    const engine = await house.engine(toy);
    await engine.start();
    const said = await until(async () => ((await house.said('intake')).length >= 2 ? house.said('intake') : undefined), {
      what: 'the toy has spoken',
    });
    expect(said.map(({ type }) => type)).toEqual(['readmit.case.closed', 'readmit.notice.sent']);
    expect(said[0]?.headers).toMatchObject({
      ce_causationid: sent?.headers['ce_id'],
      ce_correlationid: 'case-1',
      ce_source: 'readmit/spec/intake',
    });
    expect((await engine.facts('case-1')).all.map(({ type }) => type).sort()).toEqual([
      'readmit.approval.withdrawn',
      'readmit.case.closed',
      'readmit.notice.sent',
    ]);
  });

  it('R8.3 parks one poison message among 1,000 alone, with its reason and bytes, and announces it', async () => {
    const drafts = cases(1000).map((key, at) => withdrawn(key, at === 777 ? 'boom' : 'ada'));
    await house.send('approval', drafts);
    const engine = await house.engine(toy);
    await engine.start();
    await until(async () => (await engine.progress()).lag === 0 && (await engine.progress()).parked === 1, { what: 'all is taken' });
    const said = await house.said('intake');
    expect(said.filter(({ type }) => type === 'readmit.case.closed')).toHaveLength(999);
    const [parked] = await engine.parked.list({ state: 'parked' });
    expect(parked).toMatchObject({
      key: 'case-777',
      reason: 'handler-failed',
      says: expect.stringContaining('cannot bear boom'),
      type: 'readmit.approval.withdrawn',
    });
    expect(JSON.parse(Buffer.from((await engine.parked.show(parked?.id ?? ''))?.bytes ?? '', 'base64').toString())).toEqual({
      caseId: 'case-777',
      by: 'boom',
    });
    expect(said.filter(({ type }) => type === 'readmit.intake.message-parked').map(({ data }) => data)).toEqual([
      expect.objectContaining({ key: 'case-777', parkedId: parked?.id, action: 'parked', reason: 'handler-failed' }),
    ]);
  });

  it('takes two events of one case and drops an id that comes twice', async () => {
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-1', 'boris'), withdrawn('case-2')]);
    const engine = await house.engine(toy);
    const [first] = await house.send('approval', [withdrawn('case-3')]);
    if (first) await house.repeat('approval', first);
    await engine.start();
    await until(async () => engine.counters.messages === 5, { what: 'five messages are taken' });
    await engine.stop();
    const closed = (await house.said('intake')).filter(({ type }) => type === 'readmit.case.closed').map(({ key }) => key);
    expect(closed.sort()).toEqual(['case-1', 'case-2', 'case-3']);
    expect((await engine.facts('case-1')).of('readmit.approval.withdrawn')).toHaveLength(2);
    expect((await engine.facts('case-3')).of('readmit.approval.withdrawn')).toHaveLength(1);
  });

  it('costs the same number of statements and one commit at 1, 50 and 500 messages', async () => {
    const costs: { statements: number; commits: number }[] = [];
    const store = await house.store('intake');
    let from = 0;
    for (const size of [1, 50, 500]) {
      await house.send(
        'approval',
        cases(size, from).map((key) => withdrawn(key)),
      );
      from += size;
      let begun = 0;
      let statements = 0;
      const before = store.counters.commits;
      const engine = await house.engine(toy, {
        store: {
          query: (sql, parameters) => store.query(sql, parameters),
          transaction: (work) =>
            store.transaction((tx) => {
              begun++;
              return work({
                query: (sql, parameters) => {
                  statements++;
                  return tx.query(sql, parameters);
                },
              });
            }),
        },
      });
      await engine.start();
      await until(() => engine.counters.messages === size, { what: `${size} messages are taken` });
      await engine.stop();
      const { batches, commits } = engine.counters;
      expect(begun).toBe(batches);
      // The store counts every commit of the service, those of the bus's member lease too.
      expect(store.counters.commits - before).toBeGreaterThanOrEqual(commits);
      costs.push({ statements: statements / batches, commits: commits / batches });
    }
    expect(costs).toEqual([costs[0], costs[0], costs[0]]);
    expect(costs[0]?.commits).toBe(1);
    expect(costs[0]?.statements).toBeLessThanOrEqual(6);
  });

  it('has no second effect when it comes again after a crash between commit and position', async () => {
    await house.send(
      'approval',
      cases(20).map((key) => withdrawn(key)),
    );
    const first = await house.engine(toy);
    await first.start();
    await until(() => first.counters.messages === 20, { what: 'twenty messages are taken' });
    await first.stop();
    const before = await house.said('intake');
    await house.forgetPositions('intake');
    const second = await house.engine(toy);
    await second.start();
    await until(() => second.counters.messages === 20, { what: 'they are taken again' });
    expect(await house.said('intake')).toEqual(before);
    expect(second.counters.events).toBe(0);
  });

  it('loses nothing when the database ends every connection under it', async () => {
    const engine = await house.engine(toy);
    await engine.start();
    for (let round = 0; round < 5; round++) {
      await house.send(
        'approval',
        cases(40, round * 40).map((key) => withdrawn(key)),
      );
      await terminateOthers(house);
    }
    await until(async () => (await house.said('intake')).filter(({ type }) => type === 'readmit.case.closed').length >= 200, {
      what: 'all cases are closed',
    });
    const closed = (await house.said('intake')).filter(({ type }) => type === 'readmit.case.closed').map(({ key }) => key);
    expect(new Set(closed).size).toBe(closed.length);
    expect(await engine.parked.list({})).toEqual([]);
  });
});

/** From outside, as a restart of the database looks to the service. */
async function terminateOthers(at: House): Promise<void> {
  const owner = new pg.Client({ connectionString: at.database.ownerUrl });
  await owner.connect();
  try {
    await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'readmit_intake' AND datname = current_database()`,
    );
  } finally {
    await owner.end();
  }
}
