// at: libs/service/src/canary.ts
import * as demo from '@readmit/demo';
export const canary = demo;
