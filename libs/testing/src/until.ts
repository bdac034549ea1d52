import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** Said when it does not come: a clause, as in `the grant is revoked`. */
  readonly what: string;
  /** Default 10 000. */
  readonly timeoutMs?: number;
}

/** Waits for the condition: asks every 10 ms until it gives something truthy, and gives that back. Fails with `what` after the time-out. */
export async function until<T>(condition: () => T | Promise<T>, { what, timeoutMs = 10_000 }: UntilOptions): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await delay(10);
  }
}
