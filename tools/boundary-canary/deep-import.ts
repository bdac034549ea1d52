// at: libs/bus/src/canary.ts
import type { Facts } from '@readmit/domain/src/kernel/facts.js';
export type Canary = Facts;
