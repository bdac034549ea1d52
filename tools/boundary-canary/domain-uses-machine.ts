// at: libs/domain/src/canary.ts
export const canary = [process.env, console.log, fetch, setTimeout, crypto.randomUUID()];
