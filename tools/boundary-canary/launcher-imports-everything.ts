// at: apps/standalone/src/canary.ts
import * as intake from '@readmit/intake';
import * as store from '@readmit/store';
export const canary = [intake, store];
