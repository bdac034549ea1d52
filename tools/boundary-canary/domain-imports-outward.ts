// at: libs/domain/src/canary.ts
import * as store from '@readmit/store';
export const canary = store;
