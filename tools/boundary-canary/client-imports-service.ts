// at: apps/cli/src/canary.ts
import * as audit from '@readmit/audit';
export const canary = audit;
