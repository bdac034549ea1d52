import type { FactOf, Plan } from '@readmit/contracts';
import { judgeGrant } from '../grant-judgement/judge-grant.js';
import type { Problem } from '../kernel/behaviour.js';
import { reached } from '../kernel/time.js';
import { stopped } from './execution.react.js';
import type { ExecutionContext, ExecutionFacts } from './execution.facts.js';

export type Intent =
  | { readonly ok: true; readonly plan: Plan; readonly grant: FactOf<'readmit.approval.granted'> }
  | { readonly ok: 'wait'; readonly waitsFor: string }
  | ({ readonly ok: false } & Problem);

/**
 * Execution's own verification, in the transaction that stores the intent (R4.4): the grant is judged as approval and
 * audit judge it, and nothing has ended the case or the grant since.
 */
export function verifyIntent(facts: ExecutionFacts, context: ExecutionContext): Intent {
  const no = (rule: string, reason: string, says: string): Intent => ({ ok: false, rule, reason, says });
  const grant = facts.first('readmit.approval.granted');
  if (!grant) return { ok: 'wait', waitsFor: 'the facts of the case' };
  if (stopped(facts)) return no('R6.4', 'ended-before-start', 'The case was ended, frozen or contained before anything began.');
  if (reached(grant.data.goodUntil, context.now))
    return no('R4.7', 'approval-expired', 'The approval was no longer good when execution came to it.');
  const { problems, waits, plan } = judgeGrant(facts, context.now, context.crypto, grant);
  const [problem] = problems;
  if (problem) return no(problem.rule, problem.reason, problem.says);
  const [wait] = waits;
  // A plan that is missing or altered is a problem.
  return wait || !plan ? { ok: 'wait', waitsFor: wait?.waitsFor ?? 'the plan' } : { ok: true, plan, grant };
}
