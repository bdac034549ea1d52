import type { Draft } from '@readmit/contracts';
import { draft, type Reaction, type WorkDraft } from '../kernel/behaviour.js';
import { allNoticesDone, noticesDue, noticeWorkId } from './case-notices.js';
import { outcomeOf } from './case-outcome.js';
import type { IntakeContext, IntakeFacts } from './intake.facts.js';

/** What follows in intake: notices, and the end of the case once it has an outcome and every notice was sent or given up. */
export function caseReact(facts: IntakeFacts, context: IntakeContext): Reaction {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return { emit: [], wakeAt: null };
  const work: WorkDraft[] = noticesDue(facts)
    .map((notice) => ({ notice, id: noticeWorkId(context.key, notice, opened.data.subject.id, context.crypto) }))
    .filter(({ id }) => !context.work.has(id))
    .map(({ notice, id }) => ({
      id,
      kind: 'notice',
      connector: 'mailbox',
      object: id,
      notBefore: context.now,
      alsoKeys: [],
      input: { about: notice.about, to: notice.to },
    }));
  const outcome = outcomeOf(facts);
  const emit: Draft[] = [];
  if (outcome && !facts.has('readmit.case.closed') && allNoticesDone(facts))
    emit.push(draft('readmit.case.closed', context.key, { caseId: context.key, outcome }));
  return { emit, work, wakeAt: null };
}
