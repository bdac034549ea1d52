export { TargetError } from './capability.js';
export type { Capabilities, Connector, Observed, PlanParts, Sealed, StepResult, UndoResult } from './capability.js';
