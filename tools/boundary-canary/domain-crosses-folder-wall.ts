// at: libs/domain/src/approval-request/canary.ts
import type { Canary } from '../revocation-obligation/scheduler.react.js';
import type { Facts } from '../kernel/facts.js';
export type Both = [Canary, Facts];
