/** One sentence per event type, for readers of the topics. */
import type { EventType } from './catalogue.js';
import type { CommonKind } from './every-service.events.js';
import { services, type ServiceName } from './entry.js';

type OwnType = Exclude<EventType, `readmit.${ServiceName}.${CommonKind}`>;

const ofOneService: Readonly<Record<OwnType, string>> = {
  'readmit.case.opened': 'A recovery was requested. Nothing has been proved or granted.',
  'readmit.signal.received': 'An identity provider reported a lockout, a compromise or a revoked session. It opens no case.',
  'readmit.case.frozen': 'The case was repudiated, or a signal froze it, possibly after it was closed. What was granted ends.',
  'readmit.notice.sent': 'The subject, or an owner of a machine, was notified.',
  'readmit.notice.given-up': 'A notice could not be delivered, after all retries.',
  'readmit.case.closed': 'The case is over: what was granted has been revoked and all notices are sent or given up.',
  'readmit.case.classified': 'The policy assigned class, tier, ceiling and requirements, with reasons.',
  'readmit.policy.activated': 'A policy is in force from now on; decisions name its version and digest.',
  'readmit.people.attested': 'Classification attests who the people of a case are, from the signed directory.',
  'readmit.contact.shown': 'An agent was shown a number or address on record, to call the subject back.',
  'readmit.plan.proposed': 'Execution has read the target and proposes exactly what it would do and later undo.',
  'readmit.plan.refused': 'No plan within the ceiling can do what was requested.',
  'readmit.execution.started': 'Everything was verified again; from now on the targets may be changed.',
  'readmit.execution.succeeded': 'The targets were read back and show what was planned.',
  'readmit.execution.failed': 'The plan was not carried out completely; `effect` tells whether part of it may be at the target.',
  'readmit.revocation.confirmed': 'What was granted has been undone, and the target shows it.',
  'readmit.revocation.failed': 'An undo failed and will be retried.',
  'readmit.credential.used': 'A one-time credential was used.',
  'readmit.secret.picked-up': 'The recipient has the sealed secret; its ciphertext is deleted.',
  'readmit.enrolment.confirmed': 'The subject has enrolled a new factor.',
  'readmit.consumer.confirmed': 'A consumer uses the new secret.',
  'readmit.incident.raised':
    'A target shows something that no plan of the case explains, or that cannot be undone; a person must investigate.',
  'readmit.finding.raised':
    'The sweep found that a target differs from what the case left there. Nothing is reverted; a person must investigate what gives more power.',
  'readmit.finding.cleared': 'The difference is no longer there, or another case has changed the same since.',
  'readmit.evidence.added': 'A proof about the subject was recorded; its text is stored only by approval.',
  'readmit.approval.requested': 'Plan and evidence are complete; approvers can decide.',
  'readmit.decision.recorded': 'An approver signed an approval or denial of plan, evidence and policy.',
  'readmit.approval.granted': 'The quorum is complete: one plan may be carried out once, before a deadline.',
  'readmit.approval.denied': 'An approver denied the request.',
  'readmit.approval.expired': 'The request was not decided, or the grant not used, in time.',
  'readmit.approval.withdrawn': 'The requester withdrew the request.',
  'readmit.attestation.wanted': 'A person who is not attested yet acts on the case; classification is asked to attest them.',
  'readmit.obligation.recorded': 'Something must be undone by a deadline; recorded before anything is granted.',
  'readmit.revocation.due': 'An obligation is due now, for the given cause.',
  'readmit.revocation.overdue': 'An obligation has been due for too long.',
  'readmit.obligation.discharged': 'An obligation has ended; `how` tells in which way.',
  'readmit.deadline.reached': 'A deadline that a service set has passed.',
  'readmit.containment.ordered': 'An operator stopped the case; what it granted is undone without a quorum.',
  'readmit.audit.recorded': 'An event that execution waits for is in the log at this index.',
  'readmit.checkpoint.signed': 'Audit signed size and root of its log.',
  'readmit.violation.found': 'Audit found a violation of the rules in its own log.',
};
const everyService: Readonly<Record<CommonKind, string>> = {
  refused: 'The service refused a command; rule and reason tell why.',
  'deadline-set': 'The service asks to be reminded at the deadline; null cancels the reminder.',
  'message-parked': 'A message could not be processed and was parked, or an operator re-drove or discarded it.',
};

export function descriptionOf(type: EventType): string {
  for (const service of services) {
    for (const kind of Object.keys(everyService) as CommonKind[]) if (type === `readmit.${service}.${kind}`) return everyService[kind];
  }
  return ofOneService[type as OwnType];
}
