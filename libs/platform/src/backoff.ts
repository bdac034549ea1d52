/** Milliseconds to wait before the n-th retry, the first being 0: 50, 100, ... up to 5 s. */
export const backoffMs = (retry: number, firstMs = 50, mostMs = 5_000): number => Math.min(mostMs, firstMs * 2 ** retry);
