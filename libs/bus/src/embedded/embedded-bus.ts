import type { Listening, Store, Tx } from '@readmit/store';
import type { Bus, BusOptions, OutgoingRecord, Subscription, TopicRecord } from '../port.js';
import { EmbeddedSubscription } from './embedded-subscription.js';
import { append, hintChannel, readLog } from './topic-log.js';

export interface EmbeddedBusOptions extends BusOptions {
  /** The service's own; stays open when the bus closes. */
  readonly store: Store;
  /** How long a member that stopped renewing keeps its partitions; default 10 000. */
  readonly leaseMs?: number;
  /** How often a reader looks without a hint; default 250. */
  readonly pollMs?: number;
  /** Told of each failure that the bus tries again by itself, such as the database being away. */
  readonly onTrouble?: (error: unknown) => void;
}

/**
 * The bus inside PostgreSQL (ADR 0011 compares it with Kafka): topics are tables, the outbox row is the log row, and a position moves in the transaction of
 * the work. `write` hints to the readers with one NOTIFY per transaction; a lost hint costs `pollMs`, never a record.
 */
export class EmbeddedBus implements Bus {
  readonly kind = 'embedded';
  private readonly subscriptions = new Set<EmbeddedSubscription>();
  private listening: Listening | undefined;

  private constructor(private readonly options: EmbeddedBusOptions) {}

  static async open(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
    const bus = new EmbeddedBus(options);
    bus.listening = await options.store.listen(hintChannel, (payload) => {
      for (const subscription of bus.subscriptions) subscription.hint(payload);
    });
    return bus;
  }

  async subscribe({
    group,
    topics,
    member,
  }: {
    readonly group: string;
    readonly topics: readonly string[];
    readonly member: string;
  }): Promise<Subscription> {
    const { store, leaseMs = 10_000, pollMs = 250, onTrouble = () => {} } = this.options;
    const subscription = await EmbeddedSubscription.open({
      store,
      group,
      topics: [...new Set(topics)].sort(),
      member,
      leaseMs,
      pollMs,
      onTrouble,
      onClosed: (closed) => this.subscriptions.delete(closed),
    });
    this.subscriptions.add(subscription);
    return subscription;
  }

  write(tx: Tx, records: readonly OutgoingRecord[]): Promise<void> {
    return append(tx, records);
  }

  /** The records are where readers find them, and the hint went with the commit. */
  async publish(): Promise<void> {}

  read(topic: string, partition: number, from: bigint, max: number): Promise<readonly TopicRecord[]> {
    return readLog(this.options.store, topic, { partition, from, max });
  }

  /** The outbox row is the topic's row. */
  outbox(): Promise<{ readonly waiting: number; readonly oldestSeconds: number }> {
    return Promise.resolve({ waiting: 0, oldestSeconds: 0 });
  }

  async close(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    await this.listening?.close();
    this.listening = undefined;
  }
}
