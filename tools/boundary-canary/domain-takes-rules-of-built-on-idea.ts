// at: libs/domain/src/approval-request/canary.ts
import type { Reach } from '../restoration-plan/ceiling.js';
import type { Rules } from '../restoration-plan/execution.react.js';
export type Canary = [Reach, Rules];
