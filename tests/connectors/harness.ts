import type { Ask } from '@readmit/contracts';
import type { Connector } from '@readmit/connectors';

/** What one kind of connector brings to the conformance suite: a real target, and asks that it can serve there. */
export interface Harness {
  readonly asks: readonly AskHere[];
  /** The target as every test begins: nothing of any case is at it. Runs before each test. */
  fresh(): Promise<Connector>;
  /** The same connector with the target at another port of this machine. */
  at(port: number): Connector;
  /** What must be in no error: passwords, client secrets, addresses that hold them. */
  secrets(): readonly string[];
  stop(): Promise<void>;
}

export interface AskHere {
  readonly ask: Ask;
  /** Facets that the restoration itself changes for good, such as a factor that it removed: no undo gives them back. */
  readonly lasting?: readonly string[];
  /** Makes the target need it, e.g. locks the account. */
  readonly need?: () => Promise<void>;
}
