import { draft } from '../kernel/behaviour.js';
import { retryAfter, type Finished, type WorkRules } from '../kernel/work.js';
import type { NoticeAbout } from './case-notices.js';
import type { IntakeEvents } from './intake.facts.js';

/** A notice that was sent to all addresses of its recipient: the channel, and how many addresses. */
export interface NoticeSent {
  readonly channel: string;
  readonly addresses: number;
}

/** After this many tries a notice is given up, with an event. */
const maxTries = 8;
const longestWaitSeconds = 128;

/** A notice to one person, retried with backoff and then given up: no case waits forever for a mail server. */
export const noticeWork: WorkRules<NoticeSent, IntakeEvents> = {
  begin: () => ({ go: true, emit: [] }),
  finish(work, outcome, _facts, context): Finished {
    const about = work.input['about'] as NoticeAbout;
    const to = String(work.input['to']);
    const of = { caseId: work.key, noticeId: work.id, about, to };
    const giveUp = (reason: string): Finished => ({ emit: [draft('readmit.notice.given-up', work.key, { ...of, reason })] });
    if (!('error' in outcome)) {
      if (outcome.addresses === 0) return giveUp('no address is on record');
      return { emit: [draft('readmit.notice.sent', work.key, { ...of, channel: outcome.channel, addresses: outcome.addresses })] };
    }
    if (work.tries >= maxTries) return giveUp(`not delivered after ${work.tries} tries`);
    return { emit: [], retryAt: retryAfter(context.now, work.tries + 1, longestWaitSeconds) };
  },
};
