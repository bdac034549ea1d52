/** Approval: collects proofs and decisions over one plan, and grants, denies or expires. Commands: `approval.commands.ts`. */
import type { ServiceProcess } from '../kernel/process.js';
import { approvalReact } from './approval.react.js';

const consumes = [
  'readmit.case.opened',
  'readmit.case.classified',
  'readmit.people.attested',
  // Kept under its own key, so that approvers are shown the policy whose digest they sign.
  'readmit.policy.activated',
  'readmit.plan.proposed',
  'readmit.plan.refused',
  'readmit.case.frozen',
  'readmit.containment.ordered',
  'readmit.deadline.reached',
] as const;

export const approvalProcess: ServiceProcess<Record<never, never>> = {
  name: 'approval',
  consumes,
  react: approvalReact,
  work: {},
  wakes: 'deadline',
};
