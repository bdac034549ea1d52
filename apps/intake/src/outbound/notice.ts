import { retryAfter } from '@readmit/platform';
import type { Finished, WorkHandler } from '@readmit/runtime';
import { say, type NoticeAbout } from '@readmit/domain';
import { letterOf } from './letters.js';

/**
 * Where notices to people go; real mail comes through the same port. `to` is a person: the port knows her addresses, and sends to each.
 * Answers with how many there were; throws when the notice did not go out to all.
 */
export interface NoticePort {
  readonly channel: string;
  send(
    notice: { readonly id: string; readonly to: string; readonly about: NoticeAbout; readonly text: string },
    signal: AbortSignal,
  ): Promise<{ readonly addresses: number }>;
}
/** What a notice of the case carries so that its reader can repudiate; undefined: the words of the case, and with them its salt, were erased. */
export type CodeOfCase = (caseId: string) => Promise<string | undefined>;

type Sent = { readonly addresses: number };
/** After this many tries a notice is given up, on record. */
const maxTries = 8;
const longestWaitSeconds = 128;

/** One notice to one person, retried with backoff, then given up on record: a case never waits for a mail server for ever. */
export const noticeWork = (port: NoticePort, codeOf: CodeOfCase): WorkHandler<Sent> => ({
  begin: () => ({ go: true, emit: [] }),
  async call(work, facts, signal) {
    const about = work.input['about'] as NoticeAbout;
    const text = letterOf(about, facts, work.key, await codeOf(work.key));
    return port.send({ id: work.id, to: String(work.input['to']), about, text }, signal);
  },
  finish(work, outcome, _facts, context): Finished {
    const about = work.input['about'] as NoticeAbout;
    const to = String(work.input['to']);
    const of = { caseId: work.key, noticeId: work.id, about, to };
    const giveUp = (reason: string): Finished => ({ emit: [say('readmit.notice.given-up', work.key, { ...of, reason })] });
    if (!('error' in outcome)) {
      if (outcome.addresses === 0) return giveUp('no address is on record');
      return { emit: [say('readmit.notice.sent', work.key, { ...of, channel: port.channel, addresses: outcome.addresses })] };
    }
    if (work.tries >= maxTries) return giveUp(`not delivered after ${work.tries} tries`);
    return { emit: [], retryAt: retryAfter(context.now, work.tries + 1, longestWaitSeconds) };
  },
});
