// at: apps/demo/src/canary.ts
import { Facts } from '@readmit/domain';
import { tiers } from '@readmit/contracts';
export const canary = [Facts, tiers];
