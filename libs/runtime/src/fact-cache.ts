import type { Facts } from '@readmit/domain';

/** The state of an aggregate when one of our transactions committed. */
export interface Remembered {
  readonly version: number;
  readonly facts: Facts;
  /** Ids of work that was ever asked for. */
  readonly asked: ReadonlySet<string>;
}

/** Facts at most, over all aggregates: those of some 800 cases, in less than 20 megabytes. */
const mostFacts = 20_000;

/**
 * Sets of facts that this process has seen, least recently used first out. A case is touched some thirty times within seconds, and reading
 * and parsing its facts each time costs more than everything else. Never a source of truth: an entry counts only when its version is the one
 * that the locked row shows, because every transaction that adds facts or work raises it.
 */
export class FactCache {
  private readonly byKey = new Map<string, Remembered>();
  private held = 0;

  constructor(private readonly most = mostFacts) {}

  versionOf(key: string): number | undefined {
    return this.byKey.get(key)?.version;
  }

  /** The entry, if it is of that version. */
  get(key: string, version: number): Remembered | undefined {
    const found = this.byKey.get(key);
    return found?.version === version ? found : undefined;
  }

  /** After a commit alone: what was rolled back was never so. */
  set(key: string, entry: Remembered): void {
    this.drop(key);
    this.byKey.set(key, entry);
    this.held += weightOf(entry);
    for (const [oldest] of this.byKey) {
      if (this.held <= this.most) break;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    const found = this.byKey.get(key);
    if (!found) return;
    this.byKey.delete(key);
    this.held -= weightOf(found);
  }
}

/** An aggregate without facts takes room too. */
const weightOf = ({ facts }: Remembered): number => facts.size + 1;
