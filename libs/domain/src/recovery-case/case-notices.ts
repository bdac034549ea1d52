import type { EventData, FactOf } from '@readmit/contracts';
import { ownersOf } from '../decision-proof/parties.js';
import type { Crypto } from '../kernel/behaviour.js';
import { stopsOf } from '../kernel/stops.js';
import { outcomeOf } from './case-outcome.js';
import type { IntakeFacts } from './intake.facts.js';

export type NoticeAbout = EventData<'readmit.notice.sent'>['about'];
export interface NoticeDue {
  readonly about: NoticeAbout;
  /** The person who is told; a machine while nobody is known to answer for it. */
  readonly to: string;
}

/** A notice to the subject itself keeps the id that it had when nobody else was told; of others a digest, since an id may be as long as any. */
export const noticeWorkId = (caseId: string, { about, to }: NoticeDue, subject: string, crypto: Pick<Crypto, 'digest'>): string =>
  to === subject ? `${caseId}/notice-${about}` : `${caseId}/notice-${about}/${crypto.digest(to).slice(0, 32)}`;

/**
 * Whom a recovery is told to, about what (R5.4): it is never silent. For a machine those who own it are told; they are known once the case
 * is classified, and if it ends before, the machine's own address has to do.
 */
export function noticesDue(facts: IntakeFacts): readonly NoticeDue[] {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return [];
  const outcome = outcomeOf(facts);
  const told = recipients(facts, opened, outcome !== undefined);
  const due = facts.has('readmit.case.closed')
    ? []
    : told.flatMap((to) => subjectsOf(facts, outcome !== undefined).map((about) => ({ about, to })));
  return [
    ...due,
    ...told.filter((to) => stoppedAfterwards(facts, to, opened.data.subject.id)).map((to) => ({ about: 'contained' as const, to })),
  ];
}

function recipients(facts: IntakeFacts, { data: { subject } }: FactOf<'readmit.case.opened'>, over: boolean): readonly string[] {
  if (subject.kind === 'person') return [subject.id];
  const owners = ownersOf(facts);
  if (owners.length > 0) return owners;
  return facts.has('readmit.people.attested') || over ? [subject.id] : [];
}

/** What was carried out is never told as something that was not granted, however it ended. */
function subjectsOf(facts: IntakeFacts, over: boolean): readonly NoticeAbout[] {
  const carriedOut = facts.has('readmit.execution.succeeded');
  return [
    'opened',
    ...(carriedOut ? (['executed'] as const) : []),
    ...(over ? [carriedOut ? ('ended' as const) : ('refused' as const)] : []),
  ];
}

/** It had been told as over, or was closed as completed, and was stopped all the same: what it gave is taken back. */
function stoppedAfterwards(facts: IntakeFacts, to: string, subject: string): boolean {
  if (!facts.has('readmit.execution.succeeded')) return false;
  const stops = stopsOf(facts);
  if (stops.length === 0) return false;
  if (facts.first('readmit.case.closed')?.data.outcome === 'completed') return true;
  const told = finished(facts).filter(({ data }) => (data.about === 'ended' || data.about === 'refused') && (data.to ?? subject) === to);
  return told.some((notice) => stops.some((stop) => stop.at > notice.at));
}

const finished = (facts: IntakeFacts) => [...facts.of('readmit.notice.sent'), ...facts.of('readmit.notice.given-up')];

/** Whether every notice that is due went out or was given up on record. */
export function allNoticesDone(facts: IntakeFacts): boolean {
  const subject = facts.first('readmit.case.opened')?.data.subject.id;
  const done = new Set(finished(facts).map(({ data }) => JSON.stringify([data.about, data.to ?? subject])));
  return noticesDue(facts).every(({ about, to }) => done.has(JSON.stringify([about, to])));
}
