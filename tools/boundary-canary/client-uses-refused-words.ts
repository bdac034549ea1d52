// at: apps/cli/src/canary.ts
/** Begins
 * anew. */
export const canary = (n: number) => [`kept for ever ${n}`, 'the mended key', 'starts again, permanently'];
