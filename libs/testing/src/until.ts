import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** For the error: a clause, such as `the grant is revoked`. */
  readonly what: string;
  /** Default 120 000: it only ends a test that would wait forever, also on a machine that is busy with other work. */
  readonly timeoutMs?: number;
}

/** Waits for a condition: calls it every 10 ms until it returns something truthy, and returns that. Throws with `what` after the timeout. */
export async function until<T>(condition: () => T | Promise<T>, { what, timeoutMs = 120_000 }: UntilOptions): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`timed out after ${timeoutMs} ms waiting until ${what}`);
    await delay(10);
  }
}
