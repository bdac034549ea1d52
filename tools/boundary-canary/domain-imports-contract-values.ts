// at: libs/domain/src/canary.ts
import { tiers } from '@readmit/contracts';
export const canary = tiers;
