import type { ServiceDefinition } from '@readmit/runtime';
import { entryOf, services, type Fact } from '@readmit/contracts';
import { deadlineKey, schedulerReact } from '@readmit/domain';
import { saveWords } from './outbound/order-words.js';
import { saveOverdue } from './outbound/overdue.js';
import { saveSubjectCases } from './outbound/subject-cases.js';

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
    case 'readmit.revocation.confirmed': {
      // Who is said to hold it still is looked at in the same transaction (R6.5).
      const { caseId, heldBy } = fact.data;
      return heldBy === undefined || heldBy.caseId === caseId ? [caseId] : [caseId, heldBy.caseId];
    }
    default:
      return 'caseId' in fact.data ? [fact.data.caseId] : [];
  }
}

export const schedulerDefinition: ServiceDefinition = {
  name: 'revocation-scheduler',
  consumes: [
    'readmit.case.opened',
    'readmit.case.classified',
    'readmit.people.attested',
    'readmit.approval.granted',
    'readmit.case.frozen',
    // Not for a rule: a containment of a subject stops the cases that are open.
    'readmit.case.closed',
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
  save: async (tx, changes) => {
    await saveOverdue(tx, changes);
    await saveWords(tx, changes);
    await saveSubjectCases(tx, changes);
  },
  wakes: 'timer',
};
