/** Intake: opens cases, tells people about them, freezes and closes them. It consumes every event of a case, for the ledger and the timeline. */
import type { ServiceProcess } from '../kernel/process.js';
import { retryAfter, type WorkRules } from '../kernel/work.js';
import { caseReact } from './case.react.js';
import { noticeWork, type NoticeSent } from './notice.work.js';

const consumes = [
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.contact.shown',
  'readmit.plan.proposed',
  'readmit.plan.refused',
  'readmit.execution.started',
  'readmit.execution.succeeded',
  'readmit.execution.failed',
  'readmit.revocation.confirmed',
  'readmit.revocation.failed',
  'readmit.credential.used',
  'readmit.secret.picked-up',
  'readmit.enrolment.confirmed',
  'readmit.consumer.confirmed',
  'readmit.incident.raised',
  'readmit.evidence.added',
  'readmit.approval.requested',
  'readmit.decision.recorded',
  'readmit.approval.granted',
  'readmit.approval.denied',
  'readmit.approval.expired',
  'readmit.approval.withdrawn',
  'readmit.attestation.wanted',
  'readmit.obligation.recorded',
  'readmit.revocation.due',
  'readmit.revocation.overdue',
  'readmit.obligation.discharged',
  'readmit.containment.ordered',
  'readmit.violation.found',
  'readmit.classification.refused',
  'readmit.execution.refused',
  'readmit.approval.refused',
  'readmit.revocation-scheduler.refused',
  'readmit.audit.refused',
] as const;

/**
 * A signal of compromise freezes the live cases of its subject (R6.4): each by a command of its own, under its own lock. Done again after a
 * crash it finds those frozen that were.
 */
const freezeWork: WorkRules<'done'> = {
  // It takes power away: it waits for nothing that lies on the bus or was asked for (R6.4).
  lane: 'urgent',
  begin: () => ({ go: true, emit: [] }),
  finish: (work, outcome, _facts, context) =>
    outcome === 'done' ? { emit: [] } : { emit: [], retryAt: retryAfter(context.now, work.tries) },
};

/** What the calls of intake report. */
export type IntakeReports = { readonly notice: NoticeSent; readonly freeze: 'done' };

export const intakeProcess: ServiceProcess<IntakeReports> = {
  name: 'intake',
  consumes,
  react: caseReact,
  work: { notice: noticeWork, freeze: freezeWork },
  wakes: 'deadline',
};
