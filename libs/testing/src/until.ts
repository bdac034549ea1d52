import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** For the error: a clause, such as `the grant is revoked`. */
  readonly what: string;
  /** Default 240 000: it only ends a test that would wait forever, also on a machine that is busy with other work. */
  readonly timeoutMs?: number;
}

/** Milliseconds between two calls: the longer it waits, the rarer, because a condition often costs a statement or a request. */
const pause = (waited: number): number => Math.min(100, Math.max(10, waited / 10));

/** Waits for a condition: calls it until it returns something truthy, and returns that. Throws with `what` after the timeout. */
export async function until<T>(condition: () => T | Promise<T>, { what, timeoutMs = 240_000 }: UntilOptions): Promise<NonNullable<T>> {
  const began = performance.now();
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    const waited = performance.now() - began;
    if (waited > timeoutMs) throw new Error(`timed out after ${timeoutMs} ms waiting until ${what}`);
    await delay(pause(waited));
  }
}
