// at: libs/bus/src/canary.ts
import type { Tx } from '../../store/src/tx.js';
export type Canary = Tx;
