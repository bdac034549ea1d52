/** Slow work: intent before call, one call per object, fenced results, and nothing lost when a worker dies in the middle. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceDefinition, WorkHandler } from '../src/index.js';
import type { Facts, WorkDraft } from '@readmit/domain';
import { until } from '@readmit/testing';
import { openHouse, toy, withdrawn, type House } from './engine-toy.js';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const draftOf = (caseId: string, object = caseId): WorkDraft => ({
  id: `${caseId}/mail/1`,
  kind: 'mail',
  connector: 'post',
  object,
  notBefore: new Date(0),
  alsoKeys: [],
  input: { to: caseId },
});

/** Asks for one mail per withdrawn case; a denied case cancels it. The notice is sent in `finish`. */
function mailing(handler: Partial<WorkHandler<string>>, object?: string): ServiceDefinition {
  return {
    ...toy,
    react: (facts: Facts) => {
      const first = facts.first('readmit.approval.withdrawn');
      const caseId = first?.data.caseId ?? '';
      return {
        emit: [],
        work: first ? [draftOf(caseId, object)] : [],
        cancel: facts.has('readmit.approval.denied') ? [`${facts.first('readmit.approval.denied')?.data.caseId}/mail/1`] : [],
      };
    },
    work: {
      mail: {
        begin: () => ({ go: true, emit: [] }),
        call: async () => 'sent',
        finish: (work, outcome) => ({
          emit: [
            {
              type: 'readmit.notice.sent',
              key: work.key,
              data: { caseId: work.key, noticeId: 'n', about: 'ended', channel: typeof outcome === 'string' ? 'mail' : 'unknown' },
            },
          ],
        }),
        ...handler,
      } satisfies WorkHandler<string>,
    },
  };
}
const notices = async (key?: string) =>
  (await house.said('intake')).filter((event) => event.type === 'readmit.notice.sent' && (key === undefined || event.key === key));
const stateOf = async (id: string) =>
  (
    await (
      await house.store('intake')
    ).query<{ state: string; tries: number; fence: string; last_error: string | null }>(
      'SELECT state, tries, fence, last_error FROM work WHERE id = $1',
      [id],
    )
  )[0];

describe('work', () => {
  it('is called once and its result is said with cause and trace of what asked for it', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const [sent] = await house.send('approval', [withdrawn('case-1')], {
      spoil: (record) => ({ ...record, headers: { ...record.headers, traceparent } }),
    });
    const engine = await house.engine(mailing({}));
    await engine.start();
    const [notice] = await until(async () => ((await notices()).length > 0 ? notices() : undefined), { what: 'the notice is said' });
    expect(notice?.headers).toMatchObject({ ce_causationid: sent?.headers['ce_id'], ce_correlationid: 'case-1' });
    // From the message through the work row, into what its result says.
    expect(notice?.headers['traceparent']?.split('-')[1]).toBe(traceparent.split('-')[1]);
    expect(await stateOf('case-1/mail/1')).toMatchObject({ state: 'done', tries: 1 });
    expect((await engine.progress()).workWaiting).toBe(0);
  });

  it('survives a worker that dies in the middle: the next claims it after the lease, and the late result is dropped', async () => {
    await house.send('approval', [withdrawn('case-1')]);
    let release: (value: string) => void = () => {};
    let calls = 0;
    const lost = await house.engine(
      mailing({
        call: () => {
          calls++;
          return new Promise<string>((resolve) => (release = resolve));
        },
      }),
      { leaseMs: 60_000, member: 'lost' },
    );
    await lost.start();
    await until(() => calls === 1, { what: 'the first worker calls' });
    const heir = await house.engine(mailing({}), { member: 'heir' });
    await heir.start();
    // Its process is gone: nobody renews, the lease ends.
    await (await house.store('intake')).query(`UPDATE work SET lease_until = clock_timestamp()`);
    await until(async () => (await notices()).length === 1, { what: 'the heir has done it' });
    expect(await stateOf('case-1/mail/1')).toMatchObject({ state: 'done', tries: 2, fence: '2' });
    const before = lost.counters.commits;
    release('sent');
    await until(() => lost.counters.commits > before, { what: 'the late result came and went' });
    expect(await notices()).toHaveLength(1);
  });

  it('begins only with the aggregates locked that its row names, also if another process added some since it was read', async () => {
    const seen: (readonly [readonly string[], boolean])[] = [];
    const engine = await house.engine(
      mailing({
        begin: (work, _facts, context) => {
          if (work.key !== 'case-1') return { go: true, emit: [] };
          seen.push([work.alsoKeys, context.other('case-2').has('readmit.approval.withdrawn')]);
          // Remembered in this process until then, with the keys of now.
          return seen.length === 1 ? { go: 'later', notBefore: new Date(Date.now() + 2_000) } : { go: true, emit: [] };
        },
      }),
    );
    await engine.start();
    await house.send('approval', [withdrawn('case-2')]);
    await until(async () => (await notices('case-2')).length === 1, { what: 'case-2 has its facts' });
    await house.send('approval', [withdrawn('case-1')]);
    await until(async () => (await stateOf('case-1/mail/1'))?.state === 'waiting' && seen.length === 1, { what: 'it waits' });
    // As another process does that began it and gave it back.
    await (await house.store('intake')).query(`UPDATE work SET also_keys = ARRAY['case-2'] WHERE id = 'case-1/mail/1'`);
    await until(async () => (await notices('case-1')).length === 1, { what: 'it is done' });
    expect(seen).toEqual([
      [[], false],
      [['case-2'], true],
    ]);
  });

  it('is called one at a time per connector and object', async () => {
    let under = 0;
    let most = 0;
    await house.send(
      'approval',
      ['a', 'b', 'c', 'd', 'e'].map((key) => withdrawn(key)),
    );
    const call = async (): Promise<string> => {
      most = Math.max(most, ++under);
      await (await house.store('intake')).query('SELECT pg_sleep(0.02)');
      under--;
      return 'sent';
    };
    const one = await house.engine(mailing({ call }, 'same-object'), { member: 'one' });
    const two = await house.engine(mailing({ call }, 'same-object'), { member: 'two' });
    await Promise.all([one.start(), two.start()]);
    await until(async () => (await notices()).length === 5, { what: 'all five are done' });
    expect(most).toBe(1);
  });

  it('reports an outcome that is not known as an error, and tries again when told to', async () => {
    await house.send('approval', [withdrawn('case-1')]);
    const errors: string[] = [];
    const engine = await house.engine(
      mailing({
        call: async (work) => {
          if (work.tries === 1) throw new Error('the line went dead');
          return 'sent';
        },
        finish: (work, outcome, _facts, context) => {
          if (typeof outcome !== 'string') {
            errors.push(outcome.error.message);
            return { emit: [], retryAt: context.now };
          }
          return {
            emit: [
              { type: 'readmit.notice.sent', key: work.key, data: { caseId: work.key, noticeId: 'n', about: 'ended', channel: 'mail' } },
            ],
          };
        },
      }),
    );
    await engine.start();
    await until(async () => (await notices()).length === 1, { what: 'the second try is done' });
    expect(errors).toEqual(['the line went dead']);
  });

  it('tells a call to stop at half of the lease', async () => {
    await house.send('approval', [withdrawn('case-1')]);
    const engine = await house.engine(
      mailing({
        call: (_work, _facts, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      }),
      { leaseMs: 400 },
    );
    await engine.start();
    const [notice] = await until(async () => ((await notices()).length > 0 ? notices() : undefined), { what: 'the end is said' });
    expect(notice?.data).toMatchObject({ channel: 'unknown' });
    expect(await stateOf('case-1/mail/1')).toMatchObject({ last_error: 'the call timed out' });
  });

  it('does not start once it is cancelled, and a call under way learns of it', async () => {
    let asked: (() => Promise<boolean>) | undefined;
    let end: (value: string) => void = () => {};
    await house.send('approval', [withdrawn('case-1')]);
    const engine = await house.engine(
      mailing({
        call: (_work, _facts, _signal, still) => {
          asked = still;
          return new Promise<string>((resolve) => (end = resolve));
        },
      }),
      { leaseMs: 60_000, workers: 1 },
    );
    await engine.start();
    const still = await until(() => asked, { what: 'the call is under way' });
    expect(await still()).toBe(true);
    const denied = (caseId: string) => ({
      type: 'readmit.approval.denied' as const,
      key: caseId,
      data: { caseId, decisionId: 'd', by: 'dana' },
    });
    await house.send('approval', [withdrawn('case-2'), denied('case-2'), denied('case-1')]);
    await until(async () => !(await still()), { what: 'the call is told' });
    expect(await stateOf('case-2/mail/1')).toMatchObject({ state: 'cancelled', tries: 0 });
    end('sent');
    await until(async () => (await stateOf('case-1/mail/1'))?.state === 'done', { what: 'the first ends' });
    expect(await notices('case-2')).toEqual([]);
  });

  it('R6.4 does not begin before what was said while the service was away is heard', async () => {
    await house.send('approval', [withdrawn('case-1')]);
    const away = await house.engine(mailing({}), { workers: 0, member: 'only' });
    await away.start();
    await until(async () => (await stateOf('case-1/mail/1'))?.state === 'waiting', { what: 'the work waits' });
    await away.stop();
    // Much to hear before the one that forbids it, a message a batch: work that began at once would be long done.
    await house.send('approval', [
      ...Array.from({ length: 30 }, (_, index) => withdrawn('case-1', `again-${index}`)),
      { type: 'readmit.approval.denied', key: 'case-1', data: { caseId: 'case-1', decisionId: 'd', by: 'dana' } },
      withdrawn('case-2'),
    ]);
    const back = await house.engine(mailing({}), { maxBatch: 1, member: 'only' });
    await back.start();
    await until(async () => (await notices('case-2')).length === 1, { what: 'the control, which nobody denied, is done' });
    expect(await stateOf('case-1/mail/1')).toMatchObject({ state: 'cancelled', tries: 0 });
    expect(await notices('case-1')).toEqual([]);
  });

  it('waits when begin says later, without counting a try', async () => {
    await house.send('approval', [withdrawn('case-1')]);
    let looks = 0;
    const engine = await house.engine(
      mailing({
        begin: (_work, _facts, { now }) =>
          ++looks < 3 ? { go: 'later', notBefore: new Date(now.getTime() + 20) } : { go: true, emit: [] },
      }),
    );
    await engine.start();
    await until(async () => (await notices()).length === 1, { what: 'it is done' });
    expect(await stateOf('case-1/mail/1')).toMatchObject({ tries: 1 });
  });
});
