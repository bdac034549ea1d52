/** What a service may read is typed by what it consumes: `npm run build` fails if one of these compiles, or if a control does not. */
import { expect, it } from '@jest/globals';
import { judgeGrant } from '../grant-judgement/judge-grant.js';
import type { ApprovalEvents } from '../approval-request/approval.facts.js';
import type { ExecutionEvents, ExecutionFacts } from '../restoration-plan/execution.facts.js';
import { executionReact } from '../restoration-plan/execution.react.js';
import { planWork } from '../restoration-plan/plan.work.js';
import type { Command, React } from './behaviour.js';
import type { Facts } from './facts.js';
import type { ServiceProcess } from './process.js';
import type { WorkRules } from './work.js';

const crypto = {} as Parameters<typeof judgeGrant>[2];

/** Never run: only the compiler reads these. */
export const compiled = {
  aTypeThatIsNotConsumed(facts: ExecutionFacts) {
    // @ts-expect-error execution does not consume discharges by the scheduler
    facts.of('readmit.obligation.discharged');
    // @ts-expect-error not even whether there is one
    facts.has('readmit.obligation.discharged');
    return [facts.of('readmit.revocation.due'), facts.has('readmit.execution.started')];
  },
  aRuleThatNeedsMore(approval: Facts<ApprovalEvents>, execution: ExecutionFacts) {
    // @ts-expect-error approval does not consume what the scheduler records, which this judgement reads
    judgeGrant(approval, new Date(), crypto);
    return judgeGrant(execution, new Date(), crypto);
  },
  fewerTypesInsteadOfMore(execution: ExecutionFacts, all: Facts) {
    // @ts-expect-error a set with fewer types is not a set of all types
    const everything: Facts = execution;
    const limited: ExecutionFacts = all;
    return [everything, limited];
  },
  theRulesOfAnotherService(): ServiceProcess<Record<string, never>, ApprovalEvents> {
    // @ts-expect-error approval lacks facts that execution's rule reads
    const react: React<ApprovalEvents> = executionReact;
    // @ts-expect-error and facts that its work reads
    const plan: WorkRules<never, ApprovalEvents> = planWork;
    const own: WorkRules<never, ExecutionEvents> = planWork;
    return { name: 'approval', consumes: [], react, work: { plan, own: own as never }, wakes: 'deadline' };
  },
  /** An engine has every fact of an aggregate, so it may run the command of any service. */
  aCommandAtTheEngine: (command: Command<string, ApprovalEvents>): Command<string> => command,
};

it('facts are typed by what is consumed', () => {
  expect(Object.keys(compiled)).toHaveLength(5);
});
