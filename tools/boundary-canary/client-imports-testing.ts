// at: apps/cli/src/canary.ts
import * as testing from '@readmit/testing';
export const canary = testing;
