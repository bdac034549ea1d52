import { draft } from '../kernel/behaviour.js';
import { retryAfter, type Finished, type WorkRules } from '../kernel/work.js';
import type { NoticeAbout } from './case-notices.js';
import type { IntakeEvents } from './intake.facts.js';

/** A notice that went out to all addresses of its reader, by which channel and how many. */
export interface NoticeSent {
  readonly channel: string;
  readonly addresses: number;
}

/** After this many tries a notice is given up, on record. */
const maxTries = 8;
const longestWaitSeconds = 128;

/** One notice to one person, retried with backoff, then given up on record: no case waits for a mail server for ever. */
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
