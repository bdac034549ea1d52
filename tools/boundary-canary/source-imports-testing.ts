// at: libs/store/src/canary.ts
import * as testing from '@readmit/testing';
export const canary = testing;
