/** Execution: plans, restores behind the gate, undoes, watches for use, and sweeps. Rules: `execution.react.ts` and `*.work.ts`. */
import type { ServiceProcess } from '../kernel/process.js';
import { executionConsumes, executionKeys, type ExecutionEvents } from './execution.facts.js';
import type { AskParts } from './build-plan.js';
import { executionReact } from './execution.react.js';
import { planWork } from './plan.work.js';
import { restoreWork, type Restored } from './restore.work.js';
import type { Seen, UndoResult } from './target.js';
import type { SweepOptions } from './sweep.js';
import { sweepWork, type Swept } from './sweep.work.js';
import { undoWork } from './undo.work.js';
import { watchWork } from './watch.work.js';

/** What the calls report: parts of the plan, results of a restoration and an undo, and what the targets show. */
export type ExecutionReports = {
  readonly plan: readonly AskParts[];
  readonly restore: Restored;
  readonly undo: UndoResult;
  readonly watch: readonly Seen[];
  readonly sweep: Swept;
};

export interface ExecutionOptions {
  /** Interval at which targets are checked for use of a grant. */
  readonly watchEveryMs: number;
  /** Absent: nothing is swept. */
  readonly sweep?: SweepOptions;
}

export const executionProcess = ({ watchEveryMs, sweep }: ExecutionOptions): ServiceProcess<ExecutionReports, ExecutionEvents> => ({
  name: 'execution',
  consumes: executionConsumes,
  keysOf: executionKeys,
  // The aggregates of a hold and of an account only keep facts.
  react: (facts, context) => (/^(?:hold|account):/.test(context.key) ? { emit: [], wakeAt: null } : executionReact(facts, context, sweep)),
  work: { plan: planWork, restore: restoreWork, undo: undoWork, watch: watchWork(watchEveryMs), sweep: sweepWork(sweep) },
  wakes: 'deadline',
});
