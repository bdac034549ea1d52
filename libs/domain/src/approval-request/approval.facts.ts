/** What approval consumes, and the types that its rules may read. */
import type { EventType, ProducedBy } from '@readmit/contracts';
import type { Context } from '../kernel/behaviour.js';
import type { Facts } from '../kernel/facts.js';

export const approvalConsumes = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.people.attested',
  // No rule reads it: approvers are shown the policy whose digest they sign.
  'readmit.policy.activated',
  'readmit.plan.proposed',
  'readmit.plan.refused',
  'readmit.case.frozen',
  'readmit.containment.ordered',
] as const satisfies readonly EventType[];

/** What its rules may read. */
export type ApprovalEvents = (typeof approvalConsumes)[number] | ProducedBy<'approval'>;
export type ApprovalFacts = Facts<ApprovalEvents>;
export type ApprovalContext = Context<ApprovalEvents>;
