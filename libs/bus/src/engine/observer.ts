import type { Draft } from '@readmit/contracts';
import type { Facts } from '@readmit/domain';

/** An event that was just committed. */
export type SaidEvent = Draft & {
  /** ISO 8601, by the database's clock. */
  readonly at: string;
  /** Everything that is known of what it is about; empty for what no set keeps. */
  readonly facts: Facts;
};

/** Told what an engine does, for metrics and traces. Its functions MUST be quick and MUST NOT throw. */
export interface EngineObserver {
  /** After each commit, the events that it holds. */
  said?(events: readonly SaidEvent[]): void;
}
