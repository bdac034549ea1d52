import type { FactOf, Plan } from '@readmit/contracts';
import { judgeGrant } from '../grant-judgement/judge-grant.js';
import type { Refusal } from '../kernel/behaviour.js';
import { reached } from '../kernel/time.js';
import { stopped } from './execution.react.js';
import type { ExecutionContext, ExecutionFacts } from './execution.facts.js';

export type Intent =
  | { readonly ok: true; readonly plan: Plan; readonly grant: FactOf<'readmit.approval.granted'> }
  | { readonly ok: 'wait'; readonly waitsFor: string }
  | ({ readonly ok: false } & Refusal);

/**
 * Execution verifies the grant itself, in the transaction that stores the intent (R4.4): by the same judgement as approval
 * and audit, and that neither the case nor the grant has ended since.
 */
export function verifyIntent(facts: ExecutionFacts, context: ExecutionContext): Intent {
  const refuse = (rule: string, reason: string, message: string): Intent => ({ ok: false, rule, reason, message });
  const grant = facts.first('readmit.approval.granted');
  if (!grant) return { ok: 'wait', waitsFor: 'the facts of the case' };
  if (stopped(facts)) return refuse('R6.4', 'ended-before-start', 'The case was ended, frozen or contained before execution started.');
  if (reached(grant.data.goodUntil, context.now))
    return refuse('R4.7', 'approval-expired', 'The approval expired before execution started.');
  const { refusals, waits, plan } = judgeGrant(facts, context.now, context.crypto, grant);
  const [refused] = refusals;
  if (refused) return refuse(refused.rule, refused.reason, refused.message);
  const [wait] = waits;
  // A plan that is missing or altered is a refusal already.
  return wait || !plan ? { ok: 'wait', waitsFor: wait?.waitsFor ?? 'the plan' } : { ok: true, plan, grant };
}
