/** What intake consumes, and the types that its rules may read. */
import type { EventType, ProducedBy } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';

export const intakeConsumes = [
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
  'readmit.finding.raised',
  'readmit.finding.cleared',
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
] as const satisfies readonly EventType[];

/** What its rules may read. */
export type IntakeEvents = (typeof intakeConsumes)[number] | ProducedBy<'intake'>;
export type IntakeFacts = Facts<IntakeEvents>;
export type IntakeContext = Context<IntakeEvents>;
