import type { CaseState, Draft, EventData, EventType, FactOf } from '@readmit/contracts';
import { say, type Reaction, type WorkDraft } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';
import { allTold, noticesDue, noticeWorkId } from './case-notices.js';
import { caseState, isOverdue, openObligations, outcomeOf, type Outcome } from './case-outcome.js';
import type { IntakeContext, IntakeFacts } from './intake.facts.js';

/** Intake's conclusions: notices, and the end of the case when all is discharged and every notice went out or was given up on record. */
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
  if (outcome && !facts.has('readmit.case.closed') && allTold(facts))
    emit.push(say('readmit.case.closed', context.key, { caseId: context.key, outcome }));
  return { emit, work, wakeAt: null };
}

/**
 * What the holder of the case key is shown without a sign-in. Anybody can name anybody and bring a key: until who is on
 * record read the code of that key out (or the request was granted) its holder learns only what the request itself said; not whether there is such a
 * person, how privileged it is, what it has at a target, or who works on the case.
 */
export function shownToKey(facts: IntakeFacts): IntakeFacts {
  const fingerprint = facts.first('readmit.case.opened')?.data.caseKey?.fingerprint;
  const readBack = facts
    .of('readmit.evidence.added')
    .some(({ data }) => data.fingerprint !== undefined && data.fingerprint === fingerprint);
  if (readBack || facts.has('readmit.approval.granted')) return facts;
  // Not even its end: whether and when a case ends by itself depends on whom it names.
  const own: readonly EventType[] = ['readmit.case.opened', 'readmit.approval.withdrawn'];
  return new Facts(facts.all.filter(({ type }) => own.includes(type)));
}

/** One row of the ledger. */
export interface CaseRow {
  readonly state: CaseState;
  readonly outcome: Outcome | null;
  readonly class: EventData<'readmit.case.classified'>['class'] | null;
  readonly tier: EventData<'readmit.case.classified'>['tier'] | null;
  readonly opened: FactOf<'readmit.case.opened'>;
  readonly why: EventData<'readmit.case.classified'>['reasons'];
  readonly endsAt: string | null;
  readonly closedAt: string | null;
  readonly openObligations: number;
  readonly overdue: boolean;
}
export function caseRow(facts: IntakeFacts): CaseRow | undefined {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return undefined;
  const classified = facts.last('readmit.case.classified');
  const closed = facts.first('readmit.case.closed');
  return {
    state: caseState(facts),
    outcome: outcomeOf(facts) ?? null,
    class: classified?.data.class ?? null,
    tier: classified?.data.tier ?? null,
    opened,
    why: classified?.data.reasons ?? [],
    endsAt: facts.first('readmit.execution.started')?.data.endsAt ?? null,
    closedAt: closed?.at ?? null,
    openObligations: openObligations(facts).length,
    overdue: isOverdue(facts),
  };
}
