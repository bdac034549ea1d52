// at: apps/standalone/src/canary.ts
import * as testing from '@readmit/testing';
export const canary = testing;
