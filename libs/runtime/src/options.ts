import type { Log } from '@readmit/platform';
import type { Store } from '@readmit/store';
import type { Bus } from '@readmit/bus';
import type { ServiceDefinition } from './service-definition.js';
import type { KeyRing, Signer } from '@readmit/signing';
import type { EngineObserver } from './observer.js';

export interface EngineOptions {
  readonly definition: ServiceDefinition;
  /** Of the service's own schema. */
  readonly store: Pick<Store, 'transaction' | 'query'>;
  readonly bus: Bus;
  readonly signer: Signer;
  readonly ring: KeyRing;
  /** Separates, say, staging from production: an event of one is refused in the other. */
  readonly environment: string;
  readonly log: Log;
  /** A fresh UUIDv7. */
  readonly newId?: () => string;
  /**
   * Concurrent calls in the ordinary lane; default 32. The reading lane has half as many in addition; revoking has calls of its own. A
   * quarter more of each may be made for connectors that have few.
   */
  readonly workers?: number;
  /** How long a worker owns its row; a call must be over at half of it. Default 30 000. */
  readonly leaseMs?: number;
  /** Name of this process in the consumer group; default a fresh one. */
  readonly member?: string;
  /** Records of a batch at most; default 500. */
  readonly maxBatch?: number;
  /** W3C trace context of what is under way, for commands. */
  readonly traceparent?: () => string | undefined;
  readonly observer?: EngineObserver;
}
