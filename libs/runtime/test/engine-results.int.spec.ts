/** What a row of work keeps of its call: that it was about to be made, and an end on record when its result can not be kept. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition, WorkHandler } from '../src/index.js';
import type { Draft } from '@readmit/contracts';
import { ResultUnstorable, type Facts, type Finished, type Lane } from '@readmit/domain';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const notice = (caseId: string, channel: string): Draft => ({
  type: 'readmit.notice.sent',
  key: caseId,
  data: { caseId, noticeId: 'n', about: 'ended', channel },
});
/** Breaks the schema of its event. */
const unstorable = (caseId: string): Draft => notice(caseId, 'no channel has blanks');

function mailing(handler: Partial<WorkHandler<string>>): ServiceDefinition {
  const mail: WorkHandler<string> = {
    begin: () => ({ go: true, emit: [] }),
    call: async () => 'sent',
    finish: ({ key }) => ({ emit: [notice(key, 'mail')] }),
    ...handler,
  };
  return {
    ...toy,
    react: (facts: Facts) => {
      const key = facts.first('readmit.approval.withdrawn')?.data.caseId ?? '';
      const work = { id: `${key}/mail`, kind: 'mail', connector: 'post', object: key, notBefore: new Date(0), alsoKeys: [], input: {} };
      return { emit: [], work: key === '' ? [] : [work] };
    },
    work: { mail: mail },
  };
}
const row = async (key = 'case-1') =>
  (
    await (
      await house.store('intake')
    ).query<{ state: string; tries: number; began: boolean; last_error: string | null; later: boolean }>(
      `SELECT state, tries, began, last_error, not_before > clock_timestamp() + interval '1 minute' AS later FROM work WHERE id = $1`,
      [`${key}/mail`],
    )
  )[0];
const channels = async (key = 'case-1') =>
  (await house.said('intake'))
    .filter((event) => event.type === 'readmit.notice.sent' && event.key === key)
    .map(({ data }) => ('channel' in data ? data.channel : undefined));

describe('the first call', () => {
  it.each([
    [true, 'is on record before it is made, so the next claim of the work knows that it may have been made'],
    [false, 'that nobody was about to make is not on record'],
  ])('R2.5 R5.5 (%s) %s', async (began) => {
    await house.send('approval', [withdrawn('case-1')]);
    let seen: boolean | undefined;
    let asked = false;
    const lost = await house.engine(
      mailing({
        call: async (_work, _facts, _signal, still) => {
          await still({ began });
          seen = (await row())?.began;
          asked = true;
          return new Promise<string>(() => undefined);
        },
      }),
      { leaseMs: 4_000, member: 'lost' },
    );
    await lost.start();
    await until(() => asked, { what: 'the first worker asks' });
    expect(seen).toBe(began);
    const claims: boolean[] = [];
    const heir = await house.engine(
      mailing({
        call: async (work) => {
          claims.push(work.began);
          return 'sent';
        },
      }),
      { member: 'heir' },
    );
    await heir.start();
    await (await house.store('intake')).query('UPDATE work SET lease_until = clock_timestamp()');
    await until(async () => (await channels()).length === 1, { what: 'the heir has done it' });
    expect(claims).toEqual([began]);
  });

  it('R5.5 is known to the end of the same try', async () => {
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2')]);
    const ends: Record<string, boolean> = {};
    const engine = await house.engine(
      mailing({
        call: async ({ key }, _facts, _signal, still) => {
          await still({ began: key === 'case-1' });
          throw new Error('the line went dead');
        },
        finish: (work) => {
          ends[work.key] = work.began;
          return { emit: [] };
        },
      }),
    );
    await engine.start();
    await until(() => Object.keys(ends).length === 2, { what: 'both have ended' });
    expect(ends).toEqual({ 'case-1': true, 'case-2': false });
  });

  it('R6.4 of work that was cancelled is neither made nor on record', async () => {
    await house.send('approval', [withdrawn('case-1')]);
    const answers: boolean[] = [];
    const engine = await house.engine(
      mailing({
        call: async (_work, _facts, _signal, still) => {
          await (await house.store('intake')).query('UPDATE work SET cancel_asked = true');
          answers.push(await still({ began: true }));
          return 'sent';
        },
      }),
    );
    await engine.start();
    await until(async () => (await row())?.state === 'done', { what: 'it has ended' });
    expect([answers, (await row())?.began]).toEqual([[false], false]);
  });
});

describe('a result that breaks its schema', () => {
  it('R8.1 has its end said in the same try, and keeps nobody else from his', async () => {
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2')]);
    const engine = await house.engine(
      mailing({
        finish: ({ key }, outcome): Finished => {
          if (typeof outcome !== 'string')
            return { emit: [notice(key, outcome.error instanceof ResultUnstorable ? 'unstorable' : 'error')] };
          return { emit: [key === 'case-1' ? unstorable(key) : notice(key, 'mail')] };
        },
      }),
    );
    await engine.start();
    await until(async () => (await row())?.state === 'done' && (await row('case-2'))?.state === 'done', { what: 'both are done' });
    expect([await channels(), await channels('case-2')]).toEqual([['unstorable'], ['mail']]);
    expect(await row()).toMatchObject({ tries: 1, last_error: expect.stringContaining('breaks its schema') as unknown });
  });

  it.each<[Lane, object]>([
    ['ordinary', { state: 'done', tries: 1 }],
    ['reading', { state: 'done', tries: 1 }],
    // What takes power away is never forgotten: it is retried, rarely.
    ['urgent', { state: 'waiting', tries: 1, later: true }],
  ])('R8.1 R6.3 of %s work whose end can not be said either is claimed no more at once', async (lane, kept) => {
    await house.send('approval', [withdrawn('case-1')]);
    const engine = await house.engine(mailing({ lane, finish: ({ key }) => ({ emit: [unstorable(key)] }) }));
    await engine.start();
    await until(async () => ((await row())?.last_error ?? null) !== null, { what: 'it is given up' });
    expect(await row()).toMatchObject({ ...kept, last_error: expect.stringContaining('breaks its schema') as unknown });
    expect(await channels()).toEqual([]);
  });
});

describe('a begin that fails', () => {
  it('R8.1 at every try has its end said on record; one that fails once is done', async () => {
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2')]);
    const begins: string[] = [];
    const engine = await house.engine(
      mailing({
        begin: ({ key }) => {
          begins.push(key);
          if (key === 'case-1' || begins.filter((other) => other === key).length === 1) throw new Error('the rule is wrong');
          return { go: true, emit: [] };
        },
        finish: ({ key }, outcome) => ({ emit: [notice(key, typeof outcome === 'string' ? 'mail' : outcome.error.name)] }),
      }),
    );
    await engine.start();
    await until(
      async () => {
        // Nobody waits for the time between the tries.
        await (await house.store('intake')).query(`UPDATE work SET not_before = clock_timestamp() WHERE state = 'waiting' AND tries > 0`);
        return (await row())?.state === 'done' && (await row('case-2'))?.state === 'done';
      },
      { what: 'both are done' },
    );
    expect([await channels(), await channels('case-2')]).toEqual([['ResultUnstorable'], ['mail']]);
    expect(await row()).toMatchObject({ last_error: expect.stringContaining('the rule is wrong') as unknown });
  });
});

describe('a begin that wants to know more', () => {
  it('R6.5 begins again with the other aggregates, and tells the call what it found there', async () => {
    await house.send('approval', [withdrawn('case-1'), withdrawn('case-2', 'dana')]);
    const told: unknown[] = [];
    const engine = await house.engine(
      mailing({
        begin: (work, _facts, context) => {
          if (work.key !== 'case-1') return { go: false, emit: [] };
          if (work.alsoKeys.length === 0) return { go: 'later', notBefore: context.now, alsoKeys: ['case-2'] };
          return { go: true, emit: [], input: { by: context.other('case-2').first('readmit.approval.withdrawn')?.data.by } };
        },
        call: async (work) => {
          told.push(work.input['by'], work.tries);
          return 'sent';
        },
      }),
    );
    await engine.start();
    await until(async () => (await row())?.state === 'done', { what: 'it is done' });
    expect(told).toEqual(['dana', 1]);
  });
});
