// at: libs/bus/src/canary.ts
import { type Tx } from '@readmit/store';
export type Canary = Tx;
