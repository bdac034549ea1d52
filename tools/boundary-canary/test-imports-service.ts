// at: apps/approval/test/canary.int.spec.ts
import * as execution from '@readmit/execution';
export const canary = execution;
