// at: libs/contracts/src/canary.ts
export const canary = Date.now();
