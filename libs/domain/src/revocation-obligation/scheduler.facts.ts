/** What the scheduler consumes, the types that its rules may read, and the aggregates that keep each fact. */
import type { EventType, Fact, ProducedBy, ServiceName } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';

export const schedulerConsumes = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.approval.granted',
  'readmit.case.frozen',
  // For the containment of a subject, which needs its open cases (R6.6): no rule reads it.
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
] as const satisfies readonly EventType[];

/** What its rules may read. */
export type SchedulerEvents = (typeof schedulerConsumes)[number] | ProducedBy<'revocation-scheduler'>;
export type SchedulerFacts = Facts<SchedulerEvents>;
export type SchedulerContext = Context<SchedulerEvents>;

/** Aggregate of one deadline of one service. The owner decides by its own clock; the scheduler only reminds it. */
export const deadlineKey = (owner: ServiceName, key: string): string => `deadline:${owner}:${key}`;
type DeadlineSet = Extract<EventType, `${string}.deadline-set`>;
const ownerOf = (type: DeadlineSet): ServiceName => type.slice('readmit.'.length, -'.deadline-set'.length) as ServiceName;

/** A deadline of another service has its own aggregate, so that a reminder never waits for the lock of a case. */
export function schedulerKeys(fact: Fact, key: string): readonly string[] {
  switch (fact.type) {
    case 'readmit.intake.deadline-set':
    case 'readmit.classification.deadline-set':
    case 'readmit.execution.deadline-set':
    case 'readmit.approval.deadline-set':
    case 'readmit.revocation-scheduler.deadline-set':
    case 'readmit.audit.deadline-set':
      return [deadlineKey(ownerOf(fact.type), fact.data.key)];
    case 'readmit.revocation.confirmed': {
      // The case that is named as the other holder is loaded in the same transaction (R6.5).
      const { heldBy } = fact.data;
      return heldBy === undefined || heldBy.caseId === key ? [key] : [key, heldBy.caseId];
    }
    default:
      return [key];
  }
}
