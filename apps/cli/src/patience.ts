import { CliError, type ExitName } from './errors.js';
import type { Io } from './io.js';

/** So often at most; with the second that services ask for, a few seconds in all. */
const mostTries = 6;
/** What services ask for is a second; nobody sits before a command for longer. */
const mostSeconds = 5;

/**
 * Repeats a call that was answered "not yet": services receive events one after the other, and a person new to a case is
 * looked up first. Nothing has happened when that is the answer. `also`: other ends that may mean the same here.
 */
export async function patiently<T>(io: Io, call: () => Promise<T>, also: readonly ExitName[] = []): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      const passing = error instanceof CliError && (error.problem?.reason === 'not-ready' || also.includes(error.exit));
      if (!passing || tries >= mostTries) throw error;
      await io.sleep(Math.min(error.retryAfter ?? 1, mostSeconds) * 1000);
    }
  }
}
