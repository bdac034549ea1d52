import type { ServiceName } from '@readmit/contracts';
import type { Tx } from '@readmit/store';
import type { Bus } from '../../src/port.js';

/** A bus of one process of a service, as the suite uses it. */
export interface BusUnderTest {
  readonly bus: Bus;
  /** A transaction of the service's store. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /** Work whose survival the suite looks at. */
  note(tx: Tx, text: string): Promise<void>;
  notes(): Promise<readonly string[]>;
  /** The process dies: no more leases, nothing is released. */
  kill(): Promise<void>;
}

/** What an adapter gives the suite. Topics MUST be empty; members that die MUST lose their partitions within two seconds. */
export interface BusHarness {
  open(service: ServiceName): Promise<BusUnderTest>;
  close(): Promise<void>;
}

export interface ConformanceOptions {
  /** The position moves in the transaction of the work, so a stale owner's work is rolled back. */
  readonly inTransaction: boolean;
}
