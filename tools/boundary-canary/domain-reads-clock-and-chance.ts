// at: libs/domain/src/canary.ts
export const canary = [new Date(), Date.now(), Math.random(), Date()];
export const control = new Date('2026-01-01T00:00:00.000Z');
