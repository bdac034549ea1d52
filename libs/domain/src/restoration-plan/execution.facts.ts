/** What execution consumes, the types that its rules may read, and the aggregates that keep each fact. */
import type { EventType, Fact, ProducedBy } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';
import { holdKey } from './holds.js';
import { accountKey } from './sweep.js';

export const executionConsumes = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.people.attested',
  'readmit.evidence.added',
  'readmit.approval.requested',
  'readmit.decision.recorded',
  'readmit.approval.denied',
  'readmit.approval.withdrawn',
  'readmit.approval.expired',
  'readmit.approval.granted',
  'readmit.obligation.recorded',
  'readmit.audit.recorded',
  'readmit.revocation.due',
  'readmit.case.frozen',
  'readmit.case.closed',
  'readmit.containment.ordered',
] as const satisfies readonly EventType[];

/** What its rules may read. */
export type ExecutionEvents = (typeof executionConsumes)[number] | ProducedBy<'execution'>;
export type ExecutionFacts = Facts<ExecutionEvents>;
export type ExecutionContext = Context<ExecutionEvents>;

/**
 * Start, success, question and answer are also kept in the aggregate of each hold, so that overlapping grants know of each
 * other (R6.5), and a start knows that another case is about to remove the same. Success is kept in the aggregates of its accounts, too (R6.7).
 */
export function executionKeys(fact: Fact, key: string): readonly string[] {
  switch (fact.type) {
    case 'readmit.execution.started':
      return [key, ...fact.data.holds.map(holdKey)];
    case 'readmit.execution.succeeded':
      return [...new Set([key, ...(fact.data.holds ?? []).map(holdKey), ...(fact.data.gave ?? []).map(accountKey)])];
    case 'readmit.revocation.due':
    case 'readmit.revocation.confirmed':
      return fact.data.hold === undefined ? [key] : [key, holdKey(fact.data.hold)];
    default:
      return [key];
  }
}
