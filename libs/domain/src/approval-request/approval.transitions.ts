import type { ApprovalState } from './approval.react.js';

/** What people command of a request while it is undecided. */
export type ApprovalCommand = 'add-evidence' | 'decide' | 'withdraw';
/** Why not: the state that the request is in, or what is still missing. */
export type ApprovalRefusal =
  'approval-granted' | 'approval-denied' | 'approval-expired' | 'approval-withdrawn' | 'approval-frozen' | 'evidence-missing' | 'not-ready';

/**
 * Every state and every command: allowed, or the one reason why not. A new state or command does not compile until each cell
 * is filled. After the grant a request is ended at the scheduler, not withdrawn here (DESIGN 2).
 */
export const approvalTransitions = {
  'waiting-for-plan': { 'add-evidence': 'allowed', decide: 'not-ready', withdraw: 'allowed' },
  'waiting-for-evidence': { 'add-evidence': 'allowed', decide: 'evidence-missing', withdraw: 'allowed' },
  'waiting-for-decisions': { 'add-evidence': 'allowed', decide: 'allowed', withdraw: 'allowed' },
  granted: { 'add-evidence': 'approval-granted', decide: 'approval-granted', withdraw: 'approval-granted' },
  denied: { 'add-evidence': 'approval-denied', decide: 'approval-denied', withdraw: 'approval-denied' },
  expired: { 'add-evidence': 'approval-expired', decide: 'approval-expired', withdraw: 'approval-expired' },
  withdrawn: { 'add-evidence': 'approval-withdrawn', decide: 'approval-withdrawn', withdraw: 'approval-withdrawn' },
  frozen: { 'add-evidence': 'approval-frozen', decide: 'approval-frozen', withdraw: 'approval-frozen' },
} as const satisfies Record<ApprovalState['name'], Record<ApprovalCommand, 'allowed' | ApprovalRefusal>>;
