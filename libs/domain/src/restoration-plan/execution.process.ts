/** Execution: plans, restores behind the gate, undoes, and watches for use. Its rules are beside it: `execution.react.ts` and `*.work.ts`. */
import type { Fact } from '@readmit/contracts';
import type { ServiceProcess } from '../kernel/process.js';
import type { AskParts } from './build-plan.js';
import { executionReact } from './execution.react.js';
import { holdKey } from './holds.js';
import { planWork } from './plan.work.js';
import { restoreWork, type Restored } from './restore.work.js';
import type { Observed, UndoResult } from './target.js';
import { undoWork } from './undo.work.js';
import { watchWork } from './watch.work.js';

const consumes = [
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
] as const;

/**
 * Beginning, success, question and answer are also kept with what is held, so that overlapping grants know of each other (R6.5), and
 * who begins knows that another is about to take it away.
 */
function keysOf(fact: Fact): readonly string[] {
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

/** What the calls of execution report: the plan's parts, what became of a restoration and an undo, what the targets show. */
export type ExecutionReports = {
  readonly plan: readonly AskParts[];
  readonly restore: Restored;
  readonly undo: UndoResult;
  readonly watch: readonly Observed[];
};

/** `watchEveryMs`: between two looks at the targets for use of what was granted. */
export const executionProcess = ({ watchEveryMs }: { readonly watchEveryMs: number }): ServiceProcess<ExecutionReports> => ({
  name: 'execution',
  consumes,
  keysOf,
  // A hold is no case: it only remembers.
  react: (facts, context) => (context.key.startsWith('hold:') ? { emit: [], wakeAt: null } : executionReact(facts, context)),
  work: { plan: planWork, restore: restoreWork, undo: undoWork, watch: watchWork(watchEveryMs) },
  wakes: 'deadline',
});
