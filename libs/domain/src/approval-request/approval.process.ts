/** Approval: collects evidence and decisions on a plan, and grants, denies or expires the request. Commands: `approval.commands.ts`. */
import type { ServiceProcess } from '../kernel/process.js';
import { approvalConsumes, type ApprovalEvents } from './approval.facts.js';
import { approvalReact } from './approval.react.js';

export const approvalProcess: ServiceProcess<Record<never, never>, ApprovalEvents> = {
  name: 'approval',
  consumes: approvalConsumes,
  react: approvalReact,
  work: {},
  wakes: 'deadline',
};
