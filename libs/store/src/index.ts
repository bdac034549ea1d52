export type { Tx } from './tx.js';
