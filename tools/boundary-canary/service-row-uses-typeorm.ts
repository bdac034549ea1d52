// at: apps/approval/src/outbound/canary.row.ts
import { Column } from 'typeorm';
export const canary = Column;
