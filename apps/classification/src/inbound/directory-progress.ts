import type { Engine } from '@readmit/runtime';
import type { WatchedDirectory } from '../outbound/watched-directory.js';

/** Trouble with the directory shows in `says`: the service itself is up and takes what comes. */
export const withDirectory = (engine: Engine, directory: Pick<WatchedDirectory, 'trouble'>): Engine => ({
  ...engine,
  async progress() {
    const progress = await engine.progress();
    return directory.trouble === undefined
      ? progress
      : { ...progress, says: `${progress.says}; cases wait: ${directory.trouble}`.slice(0, 2000) };
  },
});
