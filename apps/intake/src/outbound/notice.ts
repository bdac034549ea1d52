import type { Call, Change } from '@readmit/runtime';
import { letterOf, mayWait, type NoticeAbout, type NoticeSent } from '@readmit/domain';
import type { Tx } from '@readmit/store';

/**
 * Sends notices to people. `to` is a person: the port knows the addresses and sends to each. Returns what became of it at how many; throws
 * if that is unknown. `mayWait`: the port may hold the notice back from somebody who gets many.
 */
export interface NoticePort {
  readonly channel: string;
  send(
    notice: { readonly id: string; readonly to: string; readonly about: NoticeAbout; readonly text: string; readonly mayWait: boolean },
    signal: AbortSignal,
  ): Promise<Omit<NoticeSent, 'channel'>>;
}
/** A port with what it needs while the service runs. */
export interface NoticeChannel {
  readonly port: NoticePort;
  /** Saves what follows from a batch for the port, in its transaction. */
  save?(tx: Tx, changes: readonly Change[]): Promise<void>;
  start?(): void;
  close?(): Promise<void>;
}
/** The code in a notice with which its reader can repudiate the case. Undefined: the case's texts, and with them the salt, were erased. */
export type CodeOfCase = (caseId: string) => Promise<string | undefined>;

export const sendNotice =
  (port: NoticePort, codeOf: CodeOfCase): Call<NoticeSent> =>
  async (work, facts, signal) => {
    const about = work.input['about'] as NoticeAbout;
    const text = letterOf(about, facts, work.key, await codeOf(work.key));
    const notice = { id: work.id, to: String(work.input['to']), about, text, mayWait: mayWait(about, facts) };
    return { channel: port.channel, ...(await port.send(notice, signal)) };
  };
