import type { Call } from '@readmit/runtime';
import { letterOf, type NoticeAbout, type NoticeSent } from '@readmit/domain';

/**
 * Sends notices to people; real mail will use the same port. `to` is a person: the port knows the addresses and sends to each. Returns
 * how many there were; throws if the notice was not sent to all of them.
 */
export interface NoticePort {
  readonly channel: string;
  send(
    notice: { readonly id: string; readonly to: string; readonly about: NoticeAbout; readonly text: string },
    signal: AbortSignal,
  ): Promise<{ readonly addresses: number }>;
}
/** The code in a notice with which its reader can repudiate the case. Undefined: the case's texts, and with them the salt, were erased. */
export type CodeOfCase = (caseId: string) => Promise<string | undefined>;

export const sendNotice =
  (port: NoticePort, codeOf: CodeOfCase): Call<NoticeSent> =>
  async (work, facts, signal) => {
    const about = work.input['about'] as NoticeAbout;
    const text = letterOf(about, facts, work.key, await codeOf(work.key));
    const { addresses } = await port.send({ id: work.id, to: String(work.input['to']), about, text }, signal);
    return { channel: port.channel, addresses };
  };
