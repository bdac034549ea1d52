/** When a notice is sent, retried, held back and given up, by what the channel reports. */
import { describe, expect, it } from '@jest/globals';
import type { Fact } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import type { Work } from '../kernel/work.js';
import { mayWait, noticeWork, type NoticeSent } from './notice.work.js';

const now = new Date('2026-11-22T09:00:00.000Z');
const finish = (tries: number, report: Omit<NoticeSent, 'channel'>) => {
  const work = { id: 'case_1/notice-opened', key: 'case_1', tries, input: { about: 'opened', to: 'ada' } } as unknown as Work;
  const { emit, retryAt } = noticeWork.finish(work, { channel: 'smtp', ...report }, new Facts([]), { now, key: 'case_1' } as Context);
  return { emitted: emit.map(({ type, data }) => [type, data]), pause: retryAt && (retryAt.getTime() - now.getTime()) / 1000 };
};
const sent = (addresses: number) => [['readmit.notice.sent', expect.objectContaining({ channel: 'smtp', to: 'ada', addresses })]];
const givenUp = (reason: string) => [['readmit.notice.given-up', expect.objectContaining({ to: 'ada', reason })]];

describe('a notice', () => {
  it('R5.4 that all addresses accepted is sent, with their number', () => {
    expect(finish(1, { addresses: 3, waiting: 0, refused: 0 })).toEqual({ emitted: sent(3), pause: undefined });
    expect(finish(1, { addresses: 0 })).toEqual({ emitted: givenUp('no address is on record'), pause: undefined });
  });

  it('R5.4 that an address may accept later is retried for half an hour, longer than mail servers greylist', () => {
    const pauses = Array.from({ length: 10 }, (_, n) => finish(n + 1, { addresses: 2, waiting: 1 }).pause ?? 0);
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]);
    expect(pauses.reduce((sum, one) => sum + one) / 60).toBeGreaterThan(30);
  });

  it('R5.4 that an address refuses is retried less often; then those that accepted it count, and none is given up', () => {
    expect(finish(7, { addresses: 2, refused: 1 })).toEqual({ emitted: [], pause: 128 });
    expect(finish(8, { addresses: 2, refused: 1 })).toEqual({ emitted: sent(2), pause: undefined });
    expect(finish(8, { addresses: 0, refused: 3 })).toEqual({ emitted: givenUp('not delivered after 8 tries'), pause: undefined });
    expect(finish(11, { addresses: 1, waiting: 1, refused: 1 })).toEqual({ emitted: sent(1), pause: undefined });
    expect(finish(11, { addresses: 0, waiting: 1 })).toEqual({ emitted: givenUp('not delivered after 11 tries'), pause: undefined });
  });

  it('R5.4 that is held back is attempted when its turn comes, whatever the number of tries', () => {
    expect(finish(99, { addresses: 0, heldMs: 90_000 })).toEqual({ emitted: [], pause: 90 });
  });

  it('R5.4 may be held back only while nothing was granted', () => {
    const granted = new Facts([{ id: 'event_1', type: 'readmit.approval.granted', at: now.toISOString(), data: {} } as unknown as Fact]);
    const abouts = ['opened', 'executed', 'ended', 'refused', 'contained'] as const;
    expect(abouts.filter((about) => mayWait(about, new Facts([])))).toEqual(['opened', 'refused']);
    expect(abouts.filter((about) => mayWait(about, granted))).toEqual(['opened']);
  });
});
