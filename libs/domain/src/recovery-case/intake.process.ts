/** Intake: opens cases, notifies people, freezes and closes cases. It consumes every event of a case, for the ledger and the timeline. */
import type { ServiceProcess } from '../kernel/process.js';
import { intakeConsumes, type IntakeEvents } from './intake.facts.js';
import { retryAfter, type WorkRules } from '../kernel/work.js';
import { caseReact } from './case.react.js';
import { noticeWork, type NoticeSent } from './notice.work.js';

/**
 * Freezes the open cases of the subject of a signal (R6.4), each with its own command and lock. Repeating it after a crash
 * changes nothing.
 */
const freezeWork: WorkRules<'done', IntakeEvents> = {
  // It removes access, so it does not queue behind other work (R6.4).
  lane: 'urgent',
  begin: () => ({ go: true, emit: [] }),
  finish: (work, outcome, _facts, context) =>
    outcome === 'done' ? { emit: [] } : { emit: [], retryAt: retryAfter(context.now, work.tries) },
};

/** What the calls report. */
export type IntakeReports = { readonly notice: NoticeSent; readonly freeze: 'done' };

export const intakeProcess: ServiceProcess<IntakeReports, IntakeEvents> = {
  name: 'intake',
  consumes: intakeConsumes,
  react: caseReact,
  work: { notice: noticeWork, freeze: freezeWork },
  wakes: 'deadline',
};
