import type { ServiceDefinition } from '@readmit/bus';
import { entryOf, services, type Fact } from '@readmit/contracts';
import { deadlineKey, schedulerReact } from '@readmit/domain';
import { saveOverdue } from './outbound/overdue.js';

/** The scheduler keeps cases, and one aggregate per deadline of another service, so that a nudge never waits for a case. */
export function schedulerKeys(fact: Fact): readonly string[] {
  switch (fact.type) {
    case 'readmit.intake.deadline-set':
    case 'readmit.classification.deadline-set':
    case 'readmit.execution.deadline-set':
    case 'readmit.approval.deadline-set':
    case 'readmit.revocation-scheduler.deadline-set':
    case 'readmit.audit.deadline-set':
      return [deadlineKey(entryOf(fact.type).producer, fact.data.key)];
    case 'readmit.deadline.reached':
      return [deadlineKey(fact.data.owner, fact.data.key)];
    default:
      return 'caseId' in fact.data ? [fact.data.caseId] : [];
  }
}

export const schedulerDefinition: ServiceDefinition = {
  name: 'revocation-scheduler',
  consumes: [
    'readmit.case.opened',
    'readmit.people.attested',
    'readmit.approval.granted',
    'readmit.case.frozen',
    'readmit.execution.started',
    'readmit.execution.succeeded',
    'readmit.execution.failed',
    'readmit.enrolment.confirmed',
    'readmit.consumer.confirmed',
    'readmit.revocation.confirmed',
    ...services.filter((service) => service !== 'revocation-scheduler').map((service) => `readmit.${service}.deadline-set` as const),
  ],
  keysOf: schedulerKeys,
  react: schedulerReact,
  work: {},
  save: saveOverdue,
  wakes: 'timer',
};
