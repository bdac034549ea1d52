import { draft } from '../kernel/behaviour.js';
import { retryAfter, type Finished, type WorkRules } from '../kernel/work.js';
import type { NoticeAbout } from './case-notices.js';
import type { IntakeEvents, IntakeFacts } from './intake.facts.js';

/** What became of an attempt to notify one person. */
export interface NoticeSent {
  readonly channel: string;
  /** Addresses of the recipient that accepted the notice, in this attempt or an earlier one. */
  readonly addresses: number;
  /** Addresses that did not accept it, but may later: a 4xx response, or none. */
  readonly waiting?: number;
  /** Addresses that refused it (5xx). */
  readonly refused?: number;
  /** Not attempted yet, because the recipient got too many such notices: to be attempted after so many milliseconds. */
  readonly heldMs?: number;
}

/** After this many tries a notice is given up, with an event. */
const maxTries = 8;
const longestWaitSeconds = 128;
/** For an address that may accept later: 34 minutes in total, because mail servers that greylist do so for 5 to 15. */
const maxTriesWaiting = 11;
const longestWaitingSeconds = 1_024;

/**
 * Whether a notice may be held back from a recipient who got many: anyone can open cases, and could bury one message under hundreds. Only
 * while nothing was granted: that something was carried out, stopped or taken back is never held back.
 */
export const mayWait = (about: NoticeAbout, facts: IntakeFacts): boolean =>
  about === 'opened' || (about === 'refused' && !facts.has('readmit.approval.granted'));

/** A notice to one person, retried with backoff and then given up: no case waits forever for a mail server. */
export const noticeWork: WorkRules<NoticeSent, IntakeEvents> = {
  begin: () => ({ go: true, emit: [] }),
  finish(work, outcome, _facts, context): Finished {
    const about = work.input['about'] as NoticeAbout;
    const to = String(work.input['to']);
    const of = { caseId: work.key, noticeId: work.id, about, to };
    const giveUp = (reason: string): Finished => ({ emit: [draft('readmit.notice.given-up', work.key, { ...of, reason })] });
    const retry = (longest: number): Finished => ({ emit: [], retryAt: retryAfter(context.now, work.tries + 1, longest) });
    if ('error' in outcome) return work.tries >= maxTries ? giveUp(`not delivered after ${work.tries} tries`) : retry(longestWaitSeconds);
    const { channel, addresses, waiting = 0, refused = 0, heldMs } = outcome;
    if (heldMs !== undefined) return { emit: [], retryAt: new Date(context.now.getTime() + heldMs) };
    if (waiting > 0 && work.tries < maxTriesWaiting) return retry(longestWaitingSeconds);
    if (refused > 0 && work.tries < maxTries) return retry(longestWaitSeconds);
    // The addresses that accepted it count: one that is dead must not make a delivered notice look undelivered.
    if (addresses > 0) return { emit: [draft('readmit.notice.sent', work.key, { ...of, channel, addresses })] };
    return giveUp(waiting + refused > 0 ? `not delivered after ${work.tries} tries` : 'no address is on record');
  },
};
