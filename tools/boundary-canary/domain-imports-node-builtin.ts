// at: libs/domain/src/canary.ts
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'fs';
export const canary = [randomUUID, readFileSync];
