/** How a service of R0 receives and publishes: on tables (bare-tables.ts) or on Kafka (bare-kafka.ts). */
import type { Said, SaysTo, Move } from './statement.js';

export interface HeardRecord {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

/** `picked` resolves when the service's next statement holds the records, `done` when it is committed; neither rejects before the slice fails. */
export type Take = (
  records: readonly HeardRecord[],
  moves: readonly Move[],
) => { readonly picked: Promise<void>; readonly done: Promise<void> };

export interface BareBus {
  readonly saysTo: SaysTo;
  readonly topics: readonly string[];
  /** Begins to hear. */
  start(take: Take): Promise<void>;
  /** After the commit. */
  said(says: readonly Said[], batch: string): void;
  /** Transactions whose events have arrived since the last call. */
  confirmed(): readonly string[];
  stop(): Promise<void>;
}

/** Most records of a statement. */
export const cap = 500;
