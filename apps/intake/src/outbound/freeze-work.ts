import { retryAfter } from '@readmit/platform';
import type { Commands, WorkHandler } from '@readmit/runtime';
import { freezeBySignal } from '@readmit/domain';
import type { OpenCases } from './open-cases.js';

/** Cases that one statement finds; a subject has no more open unless its bound is set higher. */
const page = 100;

/**
 * A signal of compromise freezes what lives of its subject (R6.4). Each case is frozen by a command of its own, under its own lock; done
 * again after a crash it finds those frozen that were.
 */
export const freezeWork = (cases: Pick<OpenCases, 'ofSubject'>, commands: Pick<Commands, 'command'>): WorkHandler<'done'> => ({
  // It takes power away: it waits for nothing that lies on the bus or was asked for (R6.4).
  lane: 'urgent',
  begin: () => ({ go: true, emit: [] }),
  async call(_work, facts, signal) {
    const received = facts.first('readmit.signal.received');
    if (!received) throw new Error('this is a bug: a signal that was not received');
    const { signalId, provider, subject } = received.data;
    for (let after = '', found: readonly string[] = []; ; after = found.at(-1) ?? '') {
      found = await cases.ofSubject(subject, after, page);
      for (const caseId of found) {
        signal.throwIfAborted();
        await commands.command({ key: caseId, name: 'freeze-by-signal', actor: provider }, freezeBySignal(signalId, received.at));
      }
      if (found.length < page) return 'done';
    }
  },
  finish: (work, outcome, _facts, context) =>
    outcome === 'done' ? { emit: [] } : { emit: [], retryAt: retryAfter(context.now, work.tries) },
});
