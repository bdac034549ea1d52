// at: libs/store/src/canary.spec.ts
import * as testing from '@readmit/testing';
import fc from 'fast-check';
export const canary = [testing, fc];
