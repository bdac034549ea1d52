/** What the subject of a case is told, and that telling gives nobody a way in. */
import { describe, expect, it } from '@jest/globals';
import type { Work } from '@readmit/bus';
import { Facts, type Context } from '@readmit/domain';
import { noticeWork, type NoticePort } from '../src/outbound/notice.js';

const now = new Date('2026-11-22T09:00:00.000Z');
const context = { now, key: 'case_1' } as Context;
const none = new Facts([]);
const abouts = ['opened', 'executed', 'ended', 'refused'] as const;
const work = (about: (typeof abouts)[number], tries = 1): Work =>
  ({ id: `case_1/notice-${about}`, key: 'case_1', tries, input: { about, to: 'ada' } }) as unknown as Work;

async function sent(about: (typeof abouts)[number]) {
  const seen: Parameters<NoticePort['send']>[0][] = [];
  const handler = noticeWork({ channel: 'mail', send: async (notice) => void seen.push(notice) });
  await handler.call(work(about), none, AbortSignal.timeout(1_000), async () => true);
  return seen;
}

describe('a notice', () => {
  it.each(abouts)('R2.6 about a case that is %s holds no link, no code, no secret: only words and the name of the case', async (about) => {
    const [notice] = await sent(about);
    expect(notice).toMatchObject({ to: 'ada', about, id: `case_1/notice-${about}` });
    expect(Object.keys(notice ?? {}).sort()).toEqual(['about', 'id', 'text', 'to']);
    const words = notice?.text.replace('Case case_1.', '') ?? '';
    expect(words.length).toBeGreaterThan(20);
    expect(words).not.toMatch(/https?:|www\.|\d|[A-Za-z0-9_-]{16,}|click|password/i);
  });

  it('R5.4 differs by what happened, so that a grant is never announced as a refusal', async () => {
    const texts = (await Promise.all(abouts.map(sent))).map(([notice]) => notice?.text);
    expect(new Set(texts).size).toBe(abouts.length);
  });

  it('R5.4 is recorded as sent with its channel', () => {
    const { finish } = noticeWork({ channel: 'mail', send: async () => {} });
    expect(finish(work('opened'), 'sent', none, context)).toEqual({
      emit: [
        {
          type: 'readmit.notice.sent',
          key: 'case_1',
          data: { caseId: 'case_1', noticeId: 'case_1/notice-opened', about: 'opened', channel: 'mail' },
        },
      ],
    });
  });

  it('R5.4 is tried again with backoff, and given up on record: no case waits for a mail server for ever', () => {
    const { finish } = noticeWork({ channel: 'mail', send: async () => {} });
    const failed = { error: new Error('no mail server') };
    const waits = [1, 2, 7].map((tries) => finish(work('opened', tries), failed, none, context));
    expect(waits.map(({ emit, retryAt }) => [emit.length, (retryAt?.getTime() ?? 0) - now.getTime()])).toEqual([
      [0, 2_000],
      [0, 4_000],
      [0, 128_000],
    ]);
    const last = finish(work('opened', 8), failed, none, context);
    expect(last.retryAt).toBeUndefined();
    expect(last.emit).toMatchObject([
      { type: 'readmit.notice.given-up', data: { about: 'opened', reason: 'not delivered after 8 tries' } },
    ]);
  });
});
