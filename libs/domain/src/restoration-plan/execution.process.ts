/** Execution: plans, restores behind the gate, undoes, and watches for use. Rules: `execution.react.ts` and `*.work.ts`. */
import type { ServiceProcess } from '../kernel/process.js';
import { executionConsumes, executionKeys, type ExecutionEvents } from './execution.facts.js';
import type { AskParts } from './build-plan.js';
import { executionReact } from './execution.react.js';
import { planWork } from './plan.work.js';
import { restoreWork, type Restored } from './restore.work.js';
import type { Seen, UndoResult } from './target.js';
import { undoWork } from './undo.work.js';
import { watchWork } from './watch.work.js';

/** What the calls report: parts of the plan, results of a restoration and an undo, and what the targets show. */
export type ExecutionReports = {
  readonly plan: readonly AskParts[];
  readonly restore: Restored;
  readonly undo: UndoResult;
  readonly watch: readonly Seen[];
};

/** `watchEveryMs`: interval at which targets are checked for use of a grant. */
export const executionProcess = ({
  watchEveryMs,
}: {
  readonly watchEveryMs: number;
}): ServiceProcess<ExecutionReports, ExecutionEvents> => ({
  name: 'execution',
  consumes: executionConsumes,
  keysOf: executionKeys,
  // The aggregate of a hold only keeps facts.
  react: (facts, context) => (context.key.startsWith('hold:') ? { emit: [], wakeAt: null } : executionReact(facts, context)),
  work: { plan: planWork, restore: restoreWork, undo: undoWork, watch: watchWork(watchEveryMs) },
  wakes: 'deadline',
});
