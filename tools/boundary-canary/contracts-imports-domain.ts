// at: libs/contracts/src/canary.ts
import type { Facts } from '@readmit/domain';
export type Canary = Facts;
