import { messageOf } from '@readmit/platform';
import { allowedAge } from '@readmit/domain';
import type { Log } from '@readmit/service';
import type { DirectoryPort } from './directory.js';

export interface WatchedDirectory extends DirectoryPort {
  /** Why cases wait for the directory since it was last asked; undefined: they do not. */
  readonly trouble: string | undefined;
}

/** Refuses a directory that is too old, and tells once what is wrong with one that cannot be used: each case waits with that reason. */
export function watchedDirectory(
  port: DirectoryPort,
  { log, now, maxAgeSeconds }: { readonly log: Pick<Log, 'error' | 'info'>; readonly now: () => Date; readonly maxAgeSeconds: number },
): WatchedDirectory {
  let trouble: string | undefined;
  return {
    get trouble() {
      return trouble;
    },
    async read(signal) {
      try {
        const snapshot = await port.read(signal);
        if (allowedAge(snapshot, now(), maxAgeSeconds) === undefined)
          throw new Error(
            `the directory was issued at ${snapshot.issuedAt}; the policy takes one of the last ${maxAgeSeconds} s. Sign it anew, or mend the clocks`,
          );
        if (trouble !== undefined) log.info('the directory can be used again');
        trouble = undefined;
        return snapshot;
      } catch (error) {
        const says = messageOf(error);
        // A reader who gave up says nothing of the directory.
        if (!signal.aborted && says !== trouble) {
          trouble = says;
          log.error({ error: says }, 'the directory cannot be used: cases wait');
        }
        throw error;
      }
    },
  };
}
