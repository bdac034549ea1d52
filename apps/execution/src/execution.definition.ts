import type { ServiceDefinition, WorkHandler } from '@readmit/runtime';
import type { Fact } from '@readmit/contracts';
import { executionReact, holdKey, type Context, type Facts } from '@readmit/domain';
import type { Connectors } from './outbound/connectors.js';
import { planWork } from './outbound/plan-work.js';
import { restoreWork } from './outbound/restore-work.js';
import { saveSealed } from './outbound/sealed.js';
import { undoWork } from './outbound/undo-work.js';
import { watchWork } from './outbound/watch-work.js';

/**
 * Beginning, success, question and answer are also kept with what is held, so that overlapping grants know of each other (R6.5), and
 * who begins knows that another is about to take it away.
 */
export function executionKeys(fact: Fact): readonly string[] {
  switch (fact.type) {
    case 'readmit.execution.started':
      return [fact.data.caseId, ...fact.data.holds.map(holdKey)];
    case 'readmit.execution.succeeded':
      return [fact.data.caseId, ...(fact.data.holds ?? []).map(holdKey)];
    case 'readmit.revocation.due':
    case 'readmit.revocation.confirmed':
      return fact.data.hold === undefined ? [fact.data.caseId] : [fact.data.caseId, holdKey(fact.data.hold)];
    case 'readmit.deadline.reached':
      return [fact.data.key];
    default:
      return 'caseId' in fact.data ? [fact.data.caseId] : [];
  }
}

const any = (handler: WorkHandler<never>): WorkHandler<never> => handler;

export const executionDefinition = (connectors: Connectors, options: { readonly watchEveryMs: number }): ServiceDefinition => ({
  name: 'execution',
  consumes: [
    'readmit.case.opened',
    'readmit.case.classified',
    'readmit.people.attested',
    'readmit.evidence.added',
    'readmit.approval.requested',
    'readmit.decision.recorded',
    'readmit.approval.denied',
    'readmit.approval.withdrawn',
    'readmit.approval.expired',
    'readmit.approval.granted',
    'readmit.obligation.recorded',
    'readmit.audit.recorded',
    'readmit.revocation.due',
    'readmit.case.frozen',
    'readmit.case.closed',
    'readmit.containment.ordered',
    'readmit.deadline.reached',
  ],
  keysOf: executionKeys,
  // A hold is no case: it only remembers.
  react: (facts: Facts, context: Context) =>
    context.key.startsWith('hold:') ? { emit: [], wakeAt: null } : executionReact(facts, context),
  work: {
    plan: any(planWork(connectors) as unknown as WorkHandler<never>),
    restore: any(restoreWork(connectors) as unknown as WorkHandler<never>),
    undo: any(undoWork(connectors) as unknown as WorkHandler<never>),
    watch: any(watchWork(connectors, options.watchEveryMs) as unknown as WorkHandler<never>),
  },
  save: saveSealed,
  wakes: 'deadline',
});
