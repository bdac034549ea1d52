/** Execution: plans, restores behind the gate, undoes, and watches for use. Its rules are beside it: `execution.react.ts` and `*.work.ts`. */
import type { ServiceProcess } from '../kernel/process.js';
import { executionConsumes, executionKeys, type ExecutionEvents } from './execution.facts.js';
import type { AskParts } from './build-plan.js';
import { executionReact } from './execution.react.js';
import { planWork } from './plan.work.js';
import { restoreWork, type Restored } from './restore.work.js';
import type { Seen, UndoResult } from './target.js';
import { undoWork } from './undo.work.js';
import { watchWork } from './watch.work.js';

/** What the calls of execution report: the plan's parts, what became of a restoration and an undo, what the targets show. */
export type ExecutionReports = {
  readonly plan: readonly AskParts[];
  readonly restore: Restored;
  readonly undo: UndoResult;
  readonly watch: readonly Seen[];
};

/** `watchEveryMs`: between two looks at the targets for use of what was granted. */
export const executionProcess = ({
  watchEveryMs,
}: {
  readonly watchEveryMs: number;
}): ServiceProcess<ExecutionReports, ExecutionEvents> => ({
  name: 'execution',
  consumes: executionConsumes,
  keysOf: executionKeys,
  // A hold is no case: it only remembers.
  react: (facts, context) => (context.key.startsWith('hold:') ? { emit: [], wakeAt: null } : executionReact(facts, context)),
  work: { plan: planWork, restore: restoreWork, undo: undoWork, watch: watchWork(watchEveryMs) },
  wakes: 'deadline',
});
