import type { Engine } from '@readmit/runtime';
import type { WatchedDirectory } from '../outbound/watched-directory.js';

/** An unusable directory shows in the readiness message: the service itself stays ready, and cases wait. */
export const withDirectory = (engine: Engine, directory: Pick<WatchedDirectory, 'problem'>): Engine => ({
  ...engine,
  async progress() {
    const progress = await engine.progress();
    return directory.problem === undefined
      ? progress
      : { ...progress, says: `${progress.says}; cases wait: ${directory.problem}`.slice(0, 2000) };
  },
});
