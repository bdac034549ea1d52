/** The scheduler: records what must be undone, says when, and reminds the other services of their deadlines. Commands: `scheduler.commands.ts`. */
import type { EventType, Fact, ServiceName } from '@readmit/contracts';
import type { ServiceProcess } from '../kernel/process.js';
import { deadlineKey, schedulerReact } from './scheduler.react.js';

const consumes = [
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
  'readmit.intake.deadline-set',
  'readmit.classification.deadline-set',
  'readmit.approval.deadline-set',
  'readmit.execution.deadline-set',
  'readmit.audit.deadline-set',
] as const;

type DeadlineSet = Extract<EventType, `${string}.deadline-set`>;
const ownerOf = (type: DeadlineSet): ServiceName => type.slice('readmit.'.length, -'.deadline-set'.length) as ServiceName;

/** The scheduler keeps cases, and one aggregate per deadline of another service, so that a reminder never waits for a case. */
function keysOf(fact: Fact): readonly string[] {
  switch (fact.type) {
    case 'readmit.intake.deadline-set':
    case 'readmit.classification.deadline-set':
    case 'readmit.execution.deadline-set':
    case 'readmit.approval.deadline-set':
    case 'readmit.revocation-scheduler.deadline-set':
    case 'readmit.audit.deadline-set':
      return [deadlineKey(ownerOf(fact.type), fact.data.key)];
    case 'readmit.deadline.reached':
      return [deadlineKey(fact.data.owner, fact.data.key)];
    case 'readmit.revocation.confirmed': {
      // The case that is named as another holder is read in the same transaction (R6.5).
      const { caseId, heldBy } = fact.data;
      return heldBy === undefined || heldBy.caseId === caseId ? [caseId] : [caseId, heldBy.caseId];
    }
    default:
      return 'caseId' in fact.data ? [fact.data.caseId] : [];
  }
}

export const schedulerProcess: ServiceProcess<Record<never, never>> = {
  name: 'revocation-scheduler',
  consumes,
  keysOf,
  react: schedulerReact,
  work: {},
  wakes: 'timer',
};
