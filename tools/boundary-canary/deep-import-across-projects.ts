// at: tests/journey/canary.journey.spec.ts
import type { Facts } from '@readmit/domain/src/kernel/facts.js';
export type Canary = Facts;
