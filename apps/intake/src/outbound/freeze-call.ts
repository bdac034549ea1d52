import type { Call, Commands } from '@readmit/runtime';
import { freezeBySignal } from '@readmit/domain';
import type { OpenCases } from './open-cases.js';

/** Cases per query. A subject has no more open cases than this unless READMIT_OPEN_PER_SUBJECT is set higher. */
const page = 100;

/** Freezes the open cases of the signal's subject, each by a command of its own. */
export const freezeCall =
  (cases: Pick<OpenCases, 'ofSubject'>, commands: Pick<Commands, 'command'>): Call<'done'> =>
  async (_work, facts, signal) => {
    const received = facts.first('readmit.signal.received');
    if (!received) throw new Error('this is a bug: freeze work without a received signal');
    const { signalId, provider, subject } = received.data;
    for (let after = '', found: readonly string[] = []; ; after = found.at(-1) ?? '') {
      found = await cases.ofSubject(subject, after, page);
      for (const caseId of found) {
        signal.throwIfAborted();
        await commands.command({ key: caseId, name: 'freeze-by-signal', actor: provider }, freezeBySignal(signalId, received.at));
      }
      if (found.length < page) return 'done';
    }
  };
