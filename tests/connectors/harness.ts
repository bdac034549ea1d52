import type { Ask } from '@readmit/contracts';
import type { Connector } from '@readmit/connectors';

/** What a kind of connector provides for the conformance suite: a real target, and asks that it can serve. */
export interface Harness {
  readonly asks: readonly AskHere[];
  /** Resets the target before each test, so that it has nothing of any case. */
  fresh(): Promise<Connector>;
  /** The same connector with the target at another port of this machine. */
  at(port: number): Connector;
  /** Its entry in the targets file, without a name. */
  entry(): Readonly<Record<string, unknown>>;
  /** What must not be in any error: passwords, client secrets, URLs with them. */
  secrets(): readonly string[];
  stop(): Promise<void>;
}

export interface AskHere {
  readonly ask: Ask;
  /** Facets that the restoration changes permanently, such as a removed factor: no undo restores them. */
  readonly lasting?: readonly string[];
  /** Prepares the target so that the ask is needed, e.g. locks the account. */
  readonly need?: () => Promise<void>;
}
