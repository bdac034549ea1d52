// at: apps/approval/src/canary.ts
import * as execution from '@readmit/execution';
export const canary = execution;
