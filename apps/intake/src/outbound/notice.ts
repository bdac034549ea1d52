import type { Finished, WorkHandler } from '@readmit/bus';
import { say, type NoticeAbout } from '@readmit/domain';

/** Where notices to people go; real mail comes through the same port. Throws when the notice did not go out. */
export interface NoticePort {
  readonly channel: string;
  send(
    notice: { readonly id: string; readonly to: string; readonly about: NoticeAbout; readonly text: string },
    signal: AbortSignal,
  ): Promise<void>;
}

const words: Readonly<Record<NoticeAbout, string>> = {
  opened: 'Somebody asked for a way back into an account of yours. If it was not you, say so at once: nothing has been granted.',
  executed: 'A way back into an account of yours was granted. If it was not you, say so at once and it ends.',
  ended: 'What was granted for your recovery has been taken back.',
  contained: 'A recovery of an account of yours was stopped after its end, and what it gave is taken back.',
  refused: 'A request for a way back into an account of yours was not granted, or has been ended.',
};
/** After this many tries a notice is given up, on record. */
const maxTries = 8;

/** One notice, retried with backoff, then given up on record: a case never waits for a mail server for ever. */
export const noticeWork = (port: NoticePort): WorkHandler<'sent'> => ({
  begin: () => ({ go: true, emit: [] }),
  async call(work, _facts, signal) {
    // No link and no code: nothing that is mailed grants access by itself (R2.6).
    const about = work.input['about'] as NoticeAbout;
    await port.send({ id: work.id, to: String(work.input['to']), about, text: `${words[about]} Case ${work.key}.` }, signal);
    return 'sent';
  },
  finish(work, outcome, _facts, context): Finished {
    const about = work.input['about'] as NoticeAbout;
    if (outcome === 'sent')
      return { emit: [say('readmit.notice.sent', work.key, { caseId: work.key, noticeId: work.id, about, channel: port.channel })] };
    if (work.tries >= maxTries)
      return {
        emit: [
          say('readmit.notice.given-up', work.key, {
            caseId: work.key,
            noticeId: work.id,
            about,
            reason: `not delivered after ${work.tries} tries`,
          }),
        ],
      };
    return { emit: [], retryAt: new Date(context.now.getTime() + 1000 * 2 ** work.tries) };
  },
});
