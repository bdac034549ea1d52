// at: libs/bus/src/canary.ts
export const canary = (a: string, b: string) => a == b;
