import type { EventData, FactOf } from '@readmit/contracts';
import { ownersOf } from '../decision-proof/parties.js';
import type { Crypto } from '../kernel/behaviour.js';
import { stopsOf } from '../kernel/stops.js';
import { outcomeOf } from './case-outcome.js';
import type { IntakeFacts } from './intake.facts.js';

export type NoticeAbout = EventData<'readmit.notice.sent'>['about'];
export interface NoticeDue {
  readonly about: NoticeAbout;
  /** The person who is notified; the machine itself while its owners are unknown. */
  readonly to: string;
}

/** A notice to the subject has no suffix, as in earlier releases; others have a digest, because the length of ids is limited. */
export const noticeWorkId = (caseId: string, { about, to }: NoticeDue, subject: string, crypto: Pick<Crypto, 'digest'>): string =>
  to === subject ? `${caseId}/notice-${about}` : `${caseId}/notice-${about}/${crypto.digest(to).slice(0, 32)}`;

/**
 * Every notice that is due (R5.4): a recovery is never silent. For a machine its owners are notified. They are known once the
 * case is classified; if it ends before that, the notice goes to the address of the machine.
 */
export function noticesDue(facts: IntakeFacts): readonly NoticeDue[] {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return [];
  const outcome = outcomeOf(facts);
  const readers = recipients(facts, opened, outcome !== undefined);
  const due = facts.has('readmit.case.closed')
    ? []
    : readers.flatMap((to) => subjectsOf(facts, outcome !== undefined).map((about) => ({ about, to })));
  return [
    ...due,
    ...readers.filter((to) => stoppedAfterwards(facts, to, opened.data.subject.id)).map((to) => ({ about: 'contained' as const, to })),
  ];
}

function recipients(facts: IntakeFacts, { data: { subject } }: FactOf<'readmit.case.opened'>, over: boolean): readonly string[] {
  if (subject.kind === 'person') return [subject.id];
  const owners = ownersOf(facts);
  if (owners.length > 0) return owners;
  return facts.has('readmit.people.attested') || over ? [subject.id] : [];
}

/** What was carried out is never reported as not granted, however it ended. */
function subjectsOf(facts: IntakeFacts, over: boolean): readonly NoticeAbout[] {
  const carriedOut = facts.has('readmit.execution.succeeded');
  return [
    'opened',
    ...(carriedOut ? (['executed'] as const) : []),
    ...(over ? [carriedOut ? ('ended' as const) : ('refused' as const)] : []),
  ];
}

/** Whether the case was stopped after a notice of its end, or after it was closed as completed: then what it gave is taken back. */
function stoppedAfterwards(facts: IntakeFacts, to: string, subject: string): boolean {
  if (!facts.has('readmit.execution.succeeded')) return false;
  const stops = stopsOf(facts);
  if (stops.length === 0) return false;
  if (facts.first('readmit.case.closed')?.data.outcome === 'completed') return true;
  const ends = finished(facts).filter(({ data }) => (data.about === 'ended' || data.about === 'refused') && (data.to ?? subject) === to);
  return ends.some((notice) => stops.some((stop) => stop.at > notice.at));
}

const finished = (facts: IntakeFacts) => [...facts.of('readmit.notice.sent'), ...facts.of('readmit.notice.given-up')];

/** Whether every notice that is due was sent or given up. */
export function allNoticesDone(facts: IntakeFacts): boolean {
  const subject = facts.first('readmit.case.opened')?.data.subject.id;
  const done = new Set(finished(facts).map(({ data }) => JSON.stringify([data.about, data.to ?? subject])));
  return noticesDue(facts).every(({ about, to }) => done.has(JSON.stringify([about, to])));
}
