import type { EventType, Fact, FactOf } from '@readmit/contracts';
import type { CaseRule } from './finding.js';

/** A fact with its index in the log. */
export interface Logged<T extends EventType = EventType> {
  readonly index: number;
  readonly fact: FactOf<T>;
}
export type LoggedFact = { readonly index: number; readonly fact: Fact };

export type Report = (rule: CaseRule, entry: LoggedFact, why: string) => void;

/**
 * How long an event may take to the other services and to the log. Topics are read in any order: a younger event may be in
 * transit, and a service that acted in the meantime may not have received it.
 */
export const deliverySeconds = 30;

/** The entries of one case in the order of the log. */
export class CaseLog {
  /** `whole`: false if earlier entries were judged and dropped, so that only these entries can be judged. */
  constructor(
    readonly entries: readonly LoggedFact[],
    readonly whole = true,
  ) {}

  of<T extends EventType>(type: T): readonly Logged<T>[] {
    return this.entries.filter((entry) => entry.fact.type === type) as unknown as readonly Logged<T>[];
  }
  has(type: EventType): boolean {
    return this.entries.some((entry) => entry.fact.type === type);
  }
  /** The latest entry of the type before the index. */
  lastBefore<T extends EventType>(type: T, index: number): Logged<T> | undefined {
    return this.of(type).findLast((entry) => entry.index < index);
  }
}
