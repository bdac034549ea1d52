/** Intake: opens cases, tells people about them, freezes and closes them. It consumes every event of a case, for the ledger and the timeline. */
import type { ServiceProcess } from '../kernel/process.js';
import { intakeConsumes, type IntakeEvents } from './intake.facts.js';
import { retryAfter, type WorkRules } from '../kernel/work.js';
import { caseReact } from './case.react.js';
import { noticeWork, type NoticeSent } from './notice.work.js';

/**
 * A signal of compromise freezes the live cases of its subject (R6.4): each by a command of its own, under its own lock. Done again after a
 * crash it finds those frozen that were.
 */
const freezeWork: WorkRules<'done', IntakeEvents> = {
  // It takes power away: it waits for nothing that lies on the bus or was asked for (R6.4).
  lane: 'urgent',
  begin: () => ({ go: true, emit: [] }),
  finish: (work, outcome, _facts, context) =>
    outcome === 'done' ? { emit: [] } : { emit: [], retryAt: retryAfter(context.now, work.tries) },
};

/** What the calls of intake report. */
export type IntakeReports = { readonly notice: NoticeSent; readonly freeze: 'done' };

export const intakeProcess: ServiceProcess<IntakeReports, IntakeEvents> = {
  name: 'intake',
  consumes: intakeConsumes,
  react: caseReact,
  work: { notice: noticeWork, freeze: freezeWork },
  wakes: 'deadline',
};
