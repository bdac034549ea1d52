// at: libs/store/src/canary.ts
import * as servers from '@readmit/servers';
export const canary = servers;
