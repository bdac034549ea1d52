// at: libs/store/src/canary.spec.ts
import * as servers from '@readmit/servers';
export const canary = servers;
