/** A live source of people: the port. What is read is stored and merged in the same way for every kind of source. */
import type { Directory } from '@readmit/contracts';
import type { LiveCovers } from '@readmit/domain';

type Person = Directory['people'][number];

/** An entry as the source has it. */
export interface SourcePerson {
  /** Permanent id at the source, which survives a rename. */
  readonly entry: string;
  /** Where it is now, as groups name it. */
  readonly place: string;
  /** Claim `sub` of the person's access tokens. */
  readonly id: string;
  readonly human: string | undefined;
  readonly employment: Person['employment'];
  readonly managerPlace: string | undefined;
  readonly contacts: Person['contacts'];
  readonly accounts: Person['accounts'];
}

/** What membership in a mapped group gives. */
export type Label = `team:${string}` | `authority:${number}` | 'privileged';

/** Takes what a source reads, in batches, so that no more than one is in memory. */
export interface FactSink {
  /** @returns whether an entry is new or moved: memberships may name it now. */
  people(batch: readonly SourcePerson[]): Promise<boolean>;
  /** Which of these places are people that were read. */
  known(places: readonly string[]): Promise<ReadonlySet<string>>;
  /** Entries of the batch have the label; by place, and by entry for those that the source spells in another way. */
  members(label: Label, batch: { readonly places: readonly string[]; readonly entries: readonly string[] }): Promise<void>;
  /** Everybody who has the label was given: it is taken from the others. */
  complete(label: Label): Promise<void>;
}

export interface FactSource {
  readonly name: string;
  readonly covers: LiveCovers;
  /** Changes with the mapping: what was read by another one does not count. */
  readonly mapping: string;
  readonly pollSeconds: number;
  readonly completeSeconds: number;
  /** An operator accepts a removal of more than a tenth. */
  readonly acceptRemovals: { readonly atMost: number; readonly until: string } | undefined;
  /**
   * Reads everything (`since` undefined), or what changed since the mark of an earlier run.
   * @returns the mark for the next run.
   * @throws {Error} something could not be read: then nothing may be removed.
   */
  read(since: string | undefined, sink: FactSink, signal: AbortSignal): Promise<string>;
}
