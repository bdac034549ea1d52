import type { Draft } from '@readmit/contracts';
import { recipientsOf } from '../grant-judgement/recipients.js';
import { say } from '../kernel/behaviour.js';
import { claimsAccount } from '../kernel/restorations.js';
import { ResultUnstorable, retryAfter, type Begun, type Finished, type Work, type WorkRules } from '../kernel/work.js';
import { buildPlan, type AskParts } from './build-plan.js';
import { unservable } from './ceiling.js';
import { isOver, planGranted } from './execution.react.js';
import { secretHold } from './holds.js';
import { lookAgainWith, othersOf } from './other-cases.js';
import { TargetError } from './target.js';
import type { ExecutionContext, ExecutionEvents, ExecutionFacts } from './execution.facts.js';

const final = (error: unknown): error is TargetError =>
  error instanceof TargetError && (error.code === 'not-found' || error.code === 'unsupported' || error.code === 'refused');

const refuse = (caseId: string, rule: string, reason: string, says: string): Draft =>
  say('readmit.plan.refused', caseId, { caseId, rule, reason, says: says.slice(0, 500) || reason });

/** Answered already, or nobody waits for it any more: nothing is planned for a case that is over. */
const settled = (facts: ExecutionFacts): boolean =>
  facts.has('readmit.plan.proposed') || facts.has('readmit.plan.refused') || planGranted(facts) !== undefined || isOver(facts);

/** Reads the target and writes the plan, before anybody approves (R2.2). */
export const planWork: WorkRules<readonly AskParts[], ExecutionEvents> = {
  lane: 'reading',
  begin(work, facts, context) {
    if (settled(facts)) return { go: false, emit: [] };
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    const refused = opened && classified && unservable(opened.data, classified.data);
    if (refused) return { go: false, emit: [say('readmit.plan.refused', work.key, { caseId: work.key, ...refused })] };
    return whileSecretHeld(work, facts, context) ?? { go: true, emit: [] };
  },
  finish(work, outcome, facts, context): Finished {
    const opened = facts.first('readmit.case.opened');
    const classified = facts.last('readmit.case.classified');
    if (!opened || !classified || settled(facts)) return { emit: [] };
    const caseId = work.key;
    if ('error' in outcome) {
      const { error } = outcome;
      if (error instanceof ResultUnstorable)
        return { emit: [refuse(caseId, 'R8.1', 'result-unstorable', `What the target shows fits into no plan: ${error.message}`)] };
      if (!final(error)) return { emit: [], retryAt: retryAfter(context.now, work.tries) };
      return { emit: [refuse(caseId, 'R2.2', `target-${error.code}`, error.message)] };
    }
    const recipients = recipientsOf(facts).map(({ id, key }) => ({ id, fingerprint: key.fingerprint }));
    const built = buildPlan(opened.data, classified, recipients, outcome, context.crypto);
    if ('refused' in built) return { emit: [say('readmit.plan.refused', caseId, { caseId, ...built.refused })] };
    return { emit: [say('readmit.plan.proposed', caseId, { caseId, planId: context.newId('plan'), ...built })] };
  },
};

/** A second secret for an account would be planned on logins that are about to change: one case at a time (R6.5). */
function whileSecretHeld(work: Work, facts: ExecutionFacts, context: ExecutionContext): Begun | undefined {
  for (const ask of facts.first('readmit.case.opened')?.data.asks ?? []) {
    if (!claimsAccount(ask)) continue;
    const others = othersOf(secretHold(context.crypto, ask.connector, ask.object), true, work, context);
    if (others.unread.length > 0) return lookAgainWith(others.unread, work, context);
    const [holder] = others.holders;
    if (holder) return { go: false, emit: [refuse(work.key, 'R6.5', 'account-busy', busy(ask.object, holder.caseId))] };
  }
  return undefined;
}

/** What a refused second case is told. */
export const busy = (object: string, caseId: string): string =>
  `${object} is in the hands of case ${caseId}: end that case, or wait for its end, and ask again.`;
