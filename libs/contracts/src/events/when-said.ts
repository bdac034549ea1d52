/** When each event is said, for readers of the topics. One sentence, from the point of view of somebody who sees the topics alone. */
import type { EventType } from './catalogue.js';
import type { CommonKind } from './every-service.events.js';
import { services, type ServiceName } from './entry.js';

type OfOne = Exclude<EventType, `readmit.${ServiceName}.${CommonKind}`>;

const ofOne: Readonly<Record<OfOne, string>> = {
  'readmit.case.opened': 'Somebody asked for a way back in. It claims nothing: nothing has been proved and nothing granted.',
  'readmit.signal.received': 'An identity provider reported a lockout, a compromise or an ended session. It opens nothing.',
  'readmit.case.frozen': 'The subject repudiated the case, or a signal froze it, also after it was closed. What was granted ends.',
  'readmit.notice.sent': 'The subject was told what happened.',
  'readmit.notice.given-up': 'The subject could not be told, after every try.',
  'readmit.case.closed': 'Nothing of the case is open any more: what was granted has been taken back and the notices are settled.',
  'readmit.case.classified': 'Policy turned the request into class, tier, ceiling and requirements, with reasons.',
  'readmit.policy.activated': 'A policy is in force from here on; decisions name its version and digest.',
  'readmit.people.attested': 'Classification vouches for who the people of a case are, from the signed directory.',
  'readmit.contact.shown': 'An agent was shown a number or address on record, to call the subject back.',
  'readmit.plan.proposed': 'Execution has read the target and says exactly what it would do, and what it would take back.',
  'readmit.plan.refused': 'No plan within the ceiling can do what was asked.',
  'readmit.execution.started': 'Everything was verified again; from now on the target may be changed.',
  'readmit.execution.succeeded': 'The target was read back and shows what was planned.',
  'readmit.execution.failed': 'The plan was not carried out; effect says whether something of it may be at the target.',
  'readmit.revocation.confirmed': 'What was granted has been taken back, and the target shows it.',
  'readmit.revocation.failed': 'Taking back did not succeed this time; it is tried again.',
  'readmit.credential.used': 'A one-time way in was used.',
  'readmit.secret.picked-up': 'The sealed secret arrived with whom it was sealed for; its ciphertext is destroyed.',
  'readmit.enrolment.confirmed': 'The subject has a new factor of her own.',
  'readmit.consumer.confirmed': 'A consumer of a secret uses the new one.',
  'readmit.incident.raised': 'A target shows what no plan of the case explains, or what cannot be taken back; a person must look.',
  'readmit.evidence.added': 'A proof about the subject was recorded; its words stay with approval.',
  'readmit.approval.requested': 'Plan and evidence are complete; approvers can decide.',
  'readmit.decision.recorded': 'An approver signed yes or no over plan, evidence and policy.',
  'readmit.approval.granted': 'The quorum is met: one plan may be carried out once, before an instant.',
  'readmit.approval.denied': 'An approver said no.',
  'readmit.approval.expired': 'Nobody decided, or nobody acted on it, in time.',
  'readmit.approval.withdrawn': 'The requester took the request back.',
  'readmit.attestation.wanted': 'Somebody acts on the case whom the attestation does not name yet; classification is asked who that is.',
  'readmit.obligation.recorded': 'Something must be undone by an instant at the latest; said before anything is done.',
  'readmit.revocation.due': 'An obligation is due now, for the cause that it names.',
  'readmit.revocation.overdue': 'An obligation has been due for too long.',
  'readmit.obligation.discharged': 'An obligation has ended, and how.',
  'readmit.deadline.reached': 'A deadline that a service had set has passed.',
  'readmit.containment.ordered': 'An operator stopped the case; what it granted is undone without a quorum.',
  'readmit.audit.recorded': 'An event that execution waits for is in the log, at this index.',
  'readmit.checkpoint.signed': 'Audit signed size and root of its log.',
  'readmit.violation.found': 'Audit found in its own log what must not be.',
};
const everyService: Readonly<Record<CommonKind, string>> = {
  refused: 'The service refused what somebody asked of it, by the rule and for the reason that it names.',
  'deadline-set': 'The service asks to be reminded at the deadline; null takes the wish back.',
  'message-parked': 'A message could not be taken and lies parked, or an operator re-drove or discarded it.',
};

export function whenSaid(type: EventType): string {
  for (const service of services) {
    for (const kind of Object.keys(everyService) as CommonKind[]) if (type === `readmit.${service}.${kind}`) return everyService[kind];
  }
  return ofOne[type as OfOne];
}
