import { recipientsOf } from '../grant-judgement/recipients.js';
import { draft, type Refusal } from '../kernel/behaviour.js';
import { claimsAccount } from '../kernel/restorations.js';
import { ResultUnstorable, retryAfter, type Begun, type Finished, type Work, type WorkRules } from '../kernel/work.js';
import { buildPlan, type AskParts } from './build-plan.js';
import { unservable } from './ceiling.js';
import { isOver, planGranted } from './execution.react.js';
import { secretHold } from './holds.js';
import { retryWithKeys, otherHolders } from './other-cases.js';
import { TargetError } from './target.js';
import type { ExecutionContext, ExecutionEvents, ExecutionFacts } from './execution.facts.js';

const isFinal = (error: unknown): error is TargetError =>
  error instanceof TargetError && (error.code === 'not-found' || error.code === 'unsupported' || error.code === 'refused');

const planRefused = (caseId: string, { rule, reason, message }: Refusal): Finished => ({
  emit: [draft('readmit.plan.refused', caseId, { caseId, rule, reason, says: message.slice(0, 500) || reason })],
});

/** Whether there is a plan or a refusal, or the request has ended. */
const needsNoPlan = (facts: ExecutionFacts): boolean =>
  facts.has('readmit.plan.proposed') || facts.has('readmit.plan.refused') || planGranted(facts) !== undefined || isOver(facts);

/** Reads the target and makes the plan, before approval (R2.2). */
export const planWork: WorkRules<readonly AskParts[], ExecutionEvents> = {
  lane: 'reading',
  begin(work, facts, context) {
    if (needsNoPlan(facts)) return { go: false, emit: [] };
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    const refused = opened && classified && unservable(opened.data, classified.data);
    if (refused) return { go: false, ...planRefused(work.key, refused) };
    return whileAccountBusy(work, facts, context) ?? { go: true, emit: [] };
  },
  finish(work, outcome, facts, context): Finished {
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened || !classified || needsNoPlan(facts)) return { emit: [] };
    const caseId = work.key;
    if ('error' in outcome) {
      const { error } = outcome;
      if (error instanceof ResultUnstorable)
        return planRefused(caseId, {
          rule: 'R8.1',
          reason: 'result-unstorable',
          message: `The target shows something that a plan cannot hold: ${error.message}`,
        });
      if (!isFinal(error)) return { emit: [], retryAt: retryAfter(context.now, work.tries) };
      return planRefused(caseId, { rule: 'R2.2', reason: `target-${error.code}`, message: error.message });
    }
    const recipients = recipientsOf(facts).map(({ id, key }) => ({ id, fingerprint: key.fingerprint }));
    const built = buildPlan(opened.data, classified, recipients, outcome, context.crypto);
    if ('refused' in built) return planRefused(caseId, built.refused);
    return { emit: [draft('readmit.plan.proposed', caseId, { caseId, planId: context.newId('plan'), ...built })] };
  },
};

/** One case at a time for the secret of an account (R6.5): a second plan would be made from logins that are about to change. */
function whileAccountBusy(work: Work, facts: ExecutionFacts, context: ExecutionContext): Begun | undefined {
  for (const ask of facts.first('readmit.case.opened')?.data.asks ?? []) {
    if (!claimsAccount(ask)) continue;
    const others = otherHolders(secretHold(context.crypto, ask.connector, ask.object), true, work, context);
    if (others.unread.length > 0) return retryWithKeys(others.unread, work, context);
    const [holder] = others.holders;
    if (holder) return { go: false, ...planRefused(work.key, accountBusy(ask.object, holder.caseId)) };
  }
  return undefined;
}

/** One case at a time makes secrets for an account. */
export const accountBusy = (object: string, caseId: string): Refusal => ({
  rule: 'R6.5',
  reason: 'account-busy',
  message: `Case ${caseId} is using ${object}. End that case or wait for its end, then open a new request.`,
});
