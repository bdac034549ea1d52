import type { Call } from '@readmit/runtime';
import { letterOf, type NoticeAbout, type NoticeSent } from '@readmit/domain';

/**
 * Where notices to people go; real mail comes through the same port. `to` is a person: the port knows the addresses, and sends to each.
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

export const sendNotice =
  (port: NoticePort, codeOf: CodeOfCase): Call<NoticeSent> =>
  async (work, facts, signal) => {
    const about = work.input['about'] as NoticeAbout;
    const text = letterOf(about, facts, work.key, await codeOf(work.key));
    const { addresses } = await port.send({ id: work.id, to: String(work.input['to']), about, text }, signal);
    return { channel: port.channel, addresses };
  };
