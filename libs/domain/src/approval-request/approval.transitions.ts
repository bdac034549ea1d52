import type { ApprovalState } from './approval.state.js';

/** Commands for a request that is not decided yet. */
export type ApprovalCommand = 'add-evidence' | 'approve' | 'deny' | 'withdraw';
/** Reasons for a refusal: the state of the request, or what is missing. */
export type ApprovalRefusal =
  | 'approval-granted'
  | 'approval-denied'
  | 'approval-expired'
  | 'approval-withdrawn'
  | 'approval-failed'
  | 'approval-frozen'
  | 'evidence-missing'
  | 'not-ready';

/** A request that has ended refuses every command for the same reason. */
const over = <R extends ApprovalRefusal>(reason: R) => ({ 'add-evidence': reason, approve: reason, deny: reason, withdraw: reason });

/**
 * Every command in every state: allowed, or the reason why not. A new state or command does not compile until each cell is
 * filled. A denial is allowed at any time before the grant, even without a plan or evidence. After the grant a case is ended
 * at the scheduler instead of withdrawn: what was granted must be undone.
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
