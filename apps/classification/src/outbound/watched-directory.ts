import type { DirectoryPort } from '@readmit/signing';
import { messageOf } from '@readmit/platform';
import { allowedAge } from '@readmit/domain';
import type { Log } from '@readmit/service';

export interface WatchedDirectory extends DirectoryPort {
  /** Why the directory could not be used at the last read, so that cases wait. Undefined: it could. */
  readonly problem: string | undefined;
}

/** Refuses a directory that is too old, and logs each problem once. Cases wait with that reason. */
export function watchedDirectory(
  port: DirectoryPort,
  { log, now, maxAgeSeconds }: { readonly log: Pick<Log, 'error' | 'info'>; readonly now: () => Date; readonly maxAgeSeconds: number },
): WatchedDirectory {
  let problem: string | undefined;
  return {
    get problem() {
      return problem;
    },
    async read(signal) {
      try {
        const snapshot = await port.read(signal);
        if (allowedAge(snapshot, now(), maxAgeSeconds) === undefined)
          throw new Error(
            `the directory was issued at ${snapshot.issuedAt}; the policy allows at most ${maxAgeSeconds} s. Sign it again, or correct the clocks`,
          );
        if (problem !== undefined) log.info('the directory is available again');
        problem = undefined;
        return snapshot;
      } catch (error) {
        const message = messageOf(error);
        // An aborted read tells nothing about the directory.
        if (!signal.aborted && message !== problem) {
          problem = message;
          log.error({ error: message }, 'the directory is unavailable: cases wait');
        }
        throw error;
      }
    },
  };
}
