/** The directory as one case needs it: the signed file, merged with the live source if there is one. */
import { fold, mergeDirectory, neededOf, whyUnusable, type Concerned, type DirectoryReading, type LiveSource } from '@readmit/domain';
import type { Policy } from '@readmit/contracts';
import type { DirectoryPort } from '@readmit/signing';
import type { FactSource } from './fact-source.js';
import type { SourceTables } from './source-tables.js';

export interface CaseDirectory {
  /** @throws {Error} the signed file cannot be used, or the live source was never read: cases wait. */
  read(concerned: Concerned, signal: AbortSignal): Promise<DirectoryReading>;
}

/** Without a live source: the whole file, which is in memory anyway. */
export const fileOnly = (file: DirectoryPort): CaseDirectory => ({ read: (_concerned, signal) => file.read(signal) });

/** A run that takes longer, or a process that died, must not look like a source without changes. */
const silentMs = 300_000;

export function withLiveSource(
  file: DirectoryPort,
  {
    source,
    tables,
    policy,
    now,
  }: { readonly source: FactSource; readonly tables: SourceTables; readonly policy: Policy; readonly now: () => Date },
): CaseDirectory {
  return {
    async read(concerned, signal) {
      const snapshot = await file.read(signal);
      const state = await tables.state();
      if (!state.readAt)
        throw new Error(
          `the directory source ${source.name} was never read completely with its present mapping${state.problem === undefined ? '' : `: ${state.problem}`}`,
        );
      const silent = now().getTime() - state.polledAt.getTime();
      const problem = state.problem ?? (silent > silentMs ? `no run ended for ${Math.floor(silent / 1000)} s` : undefined);
      const live: LiveSource = { name: source.name, covers: source.covers, asOf: state.readAt.toISOString(), problem };
      const { ids, people: listed, teams } = neededOf(snapshot.directory, policy, concerned);
      const people = await tables.people([...ids, ...listed.map(({ id }) => id)], teams);
      const why = whyUnusable(live, now(), policy.directoryMaxAgeSeconds);
      const known = new Set(listed.map(({ id }) => id));
      const late = concerned.others.find((id) => !known.has(id) && people.some((one) => fold(one.id) === fold(id)));
      // Attested without teams, such a person could not act on the case even when the source is back.
      if (why !== undefined && late !== undefined) throw new Error(`${why}, and ${late} is not in the signed file`);
      const { directory, ...findings } = mergeDirectory(snapshot.directory, { source: live, people }, policy, concerned, now());
      return { ...snapshot, directory, live: findings };
    },
  };
}
