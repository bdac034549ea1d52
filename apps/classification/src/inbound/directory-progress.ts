import type { Engine } from '@readmit/runtime';
import type { WatchedDirectory } from '../outbound/watched-directory.js';

type Problem = Pick<WatchedDirectory, 'problem'>;

/** Problems of the directory and of its live source show in the readiness message: the service itself stays ready. */
export const withDirectory = (engine: Engine, directory: Problem, source?: Problem): Engine => ({
  ...engine,
  async progress() {
    const progress = await engine.progress();
    const problems = [
      ...(directory.problem === undefined ? [] : [`cases wait: ${directory.problem}`]),
      ...(source?.problem === undefined ? [] : [`the directory source has a problem: ${source.problem}`]),
    ];
    return problems.length === 0 ? progress : { ...progress, says: [progress.says, ...problems].join('; ').slice(0, 2000) };
  },
});
