import type { ApprovalState } from './approval.state.js';

/** What people command of a request while it is undecided. */
export type ApprovalCommand = 'add-evidence' | 'approve' | 'deny' | 'withdraw';
/** Why not: the state that the request is in, or what is still missing. */
export type ApprovalRefusal =
  | 'approval-granted'
  | 'approval-denied'
  | 'approval-expired'
  | 'approval-withdrawn'
  | 'approval-failed'
  | 'approval-frozen'
  | 'evidence-missing'
  | 'not-ready';

/** Of a request that is over: the same reason for every command. */
const over = <R extends ApprovalRefusal>(reason: R) => ({ 'add-evidence': reason, approve: reason, deny: reason, withdraw: reason });

/**
 * Every state and every command: allowed, or the one reason why not. A new state or command does not compile until each cell
 * is filled. A no is allowed at any time before the grant, also before there is a plan or a proof. After the grant a request is ended at
 * the scheduler, not withdrawn here: what was granted must be undone.
 */
export const approvalTransitions = {
  'waiting-for-plan': { 'add-evidence': 'allowed', approve: 'not-ready', deny: 'allowed', withdraw: 'allowed' },
  'waiting-for-evidence': { 'add-evidence': 'allowed', approve: 'evidence-missing', deny: 'allowed', withdraw: 'allowed' },
  'waiting-for-decisions': { 'add-evidence': 'allowed', approve: 'allowed', deny: 'allowed', withdraw: 'allowed' },
  granted: over('approval-granted'),
  denied: over('approval-denied'),
  expired: over('approval-expired'),
  withdrawn: over('approval-withdrawn'),
  failed: over('approval-failed'),
  frozen: over('approval-frozen'),
} as const satisfies Record<ApprovalState['name'], Record<ApprovalCommand, 'allowed' | ApprovalRefusal>>;
