import type { CaseState, Draft, EventData, EventType, FactOf } from '@readmit/contracts';
import { say, type Context, type Reaction, type WorkDraft } from '../kernel/behaviour.js';
import { Facts } from '../kernel/facts.js';

type Outcome = EventData<'readmit.case.closed'>['outcome'];
export type NoticeAbout = EventData<'readmit.notice.sent'>['about'];

/** How a case went, once nothing of it is open any more; undefined while something is. */
export function outcomeOf(facts: Facts): Outcome | undefined {
  const granted = facts.first('readmit.approval.granted');
  if (!granted) {
    if (facts.has('readmit.approval.withdrawn')) return 'withdrawn';
    if (facts.has('readmit.approval.denied')) return 'denied';
    if (facts.has('readmit.approval.expired')) return 'expired';
    if (facts.has('readmit.plan.refused')) return 'failed';
    if (facts.has('readmit.case.frozen') || facts.has('readmit.containment.ordered')) return 'frozen';
    return undefined;
  }
  const discharged = new Set(facts.of('readmit.obligation.discharged').map((fact) => fact.data.obligationId));
  const answered = facts.has('readmit.execution.succeeded') || facts.has('readmit.execution.failed');
  // Of every grant and every record: a further grant cannot make the case forget what it owes.
  const owed = [
    ...facts.of('readmit.approval.granted').flatMap((fact) => fact.data.obligations.map((undo) => undo.id)),
    ...facts.of('readmit.obligation.recorded').map((fact) => fact.data.obligationId),
  ];
  if (!answered || !owed.every((id) => discharged.has(id))) return undefined;
  if (facts.has('readmit.case.frozen') || facts.has('readmit.containment.ordered')) return 'frozen';
  return facts.has('readmit.execution.succeeded') ? 'completed' : 'failed';
}

/** What the subject is told, and when: a recovery is never silent (R5.4). */
function noticesDue(facts: Facts): readonly NoticeAbout[] {
  const about: NoticeAbout[] = [];
  if (facts.has('readmit.case.opened')) about.push('opened');
  if (facts.has('readmit.execution.succeeded')) about.push('executed');
  const outcome = outcomeOf(facts);
  if (outcome) about.push(outcome === 'completed' ? 'ended' : 'refused');
  return about;
}
export const noticeWorkId = (caseId: string, about: NoticeAbout): string => `${caseId}/notice-${about}`;

/** Intake's conclusions: notices, and the end of the case when all is discharged and every notice went out or was given up on record. */
export function caseReact(facts: Facts, context: Context): Reaction {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return { emit: [], wakeAt: null };
  const work: WorkDraft[] = noticesDue(facts)
    .filter((about) => !context.work.has(noticeWorkId(context.key, about)))
    .map((about) => ({
      id: noticeWorkId(context.key, about),
      kind: 'notice',
      connector: 'mailbox',
      object: noticeWorkId(context.key, about),
      notBefore: context.now,
      alsoKeys: [],
      input: { about, to: opened.data.subject.id },
    }));
  const outcome = outcomeOf(facts);
  const settled = new Set([...facts.of('readmit.notice.sent'), ...facts.of('readmit.notice.given-up')].map((fact) => fact.data.about));
  const emit: Draft[] = [];
  if (outcome && !facts.has('readmit.case.closed') && noticesDue(facts).every((about) => settled.has(about)))
    emit.push(say('readmit.case.closed', context.key, { caseId: context.key, outcome }));
  return { emit, work, wakeAt: null };
}

/** Where a case stands, for people: a function of the set of facts, the same for any order of arrival. */
export function caseState(facts: Facts): CaseState {
  if (facts.has('readmit.case.closed')) return 'closed';
  const started = facts.has('readmit.execution.started');
  if (started && (facts.has('readmit.revocation.due') || facts.has('readmit.execution.failed'))) return 'ending';
  if (facts.has('readmit.execution.succeeded')) return 'granted';
  if (started) return 'executing';
  if (facts.has('readmit.approval.granted')) return facts.has('readmit.execution.failed') ? 'ending' : 'approved';
  if (outcomeOf(facts)) return 'ending';
  if (facts.has('readmit.approval.requested')) return 'awaiting-approval';
  if (facts.has('readmit.plan.proposed')) return 'planned';
  if (facts.has('readmit.case.classified')) return 'classified';
  return 'opened';
}

/**
 * What the holder of the case key is shown without a sign-in. Anybody can name anybody and bring a key: until somebody on record read
 * that key's fingerprint back (or the request was granted) its holder learns only what he said himself; not whether there is such a
 * person, how privileged she is, what she has at a target, or who works on it.
 */
export function shownToKey(facts: Facts): Facts {
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
}
export function caseRow(facts: Facts): CaseRow | undefined {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return undefined;
  const classified = facts.last('readmit.case.classified');
  const closed = facts.first('readmit.case.closed');
  return {
    state: caseState(facts),
    outcome: closed?.data.outcome ?? outcomeOf(facts) ?? null,
    class: classified?.data.class ?? null,
    tier: classified?.data.tier ?? null,
    opened,
    why: classified?.data.reasons ?? [],
    endsAt: facts.first('readmit.execution.started')?.data.endsAt ?? null,
    closedAt: closed?.at ?? null,
    openObligations: facts.of('readmit.obligation.recorded').length - facts.of('readmit.obligation.discharged').length,
  };
}
