import { producerOfTopic } from '@readmit/contracts';
import { isTransientSqlError, type Store, type Tx } from '@readmit/store';
import type { Kafka } from 'kafkajs';
import { crashPoint, type Log } from '@readmit/platform';
import type { Bus, BusOptions, OutgoingRecord, Subscription, TopicRecord } from '../port.js';
import { kafkaClient, type KafkaConnection } from './client.js';
import { KafkaSubscription } from './kafka-subscription.js';
import { Outbox } from './outbox.js';
import { Relay } from './relay.js';
import { Sender } from './sender.js';
import { TopicReader } from './topic-reader.js';

export interface KafkaBusOptions extends BusOptions {
  readonly connection: KafkaConnection;
  /** The service's own; stays open when the bus closes. */
  readonly store: Store;
  /** For the words of kafkajs. */
  readonly log?: Log;
  /** Told of each failure that the bus tries again by itself, such as the brokers being away. */
  readonly onTrouble?: (error: unknown) => void;
  /** How long a member that stopped giving signs of life keeps its partitions; default 10 000. The brokers have bounds for it. */
  readonly sessionTimeoutMs?: number;
  /** How long a send is waited for before its events are left to the relay; default 5 000. */
  readonly sendTimeoutMs?: number;
  /** How long events may wait unconfirmed before the relay takes them for those of a dead process; default 15 000. */
  readonly graceMs?: number;
}

const settleMs = 500;
const daysEveryMs = 3_600_000;
const readTimeoutMs = 10_000;

/**
 * The bus on Apache Kafka (ADR 0011). Events are written to the outbox with the work, sent right after the commit, and swept up by
 * the relay when that failed. Positions are the group's committed offsets, moved after the commit: at least once.
 */
export class KafkaBus implements Bus {
  readonly kind = 'kafka';
  private readonly subscriptions = new Set<KafkaSubscription>();
  private readonly sender: Sender;
  private readonly outboxTable: Outbox;
  private readonly relay: Relay;
  private readonly reader: TopicReader;
  private days: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  private readonly onTrouble: (error: unknown) => void;

  private constructor(private readonly options: KafkaBusOptions) {
    const { service, store, onTrouble = () => {}, sendTimeoutMs = 5_000, graceMs = 15_000 } = options;
    this.onTrouble = onTrouble;
    this.sender = new Sender({ client: () => this.client(service, sendTimeoutMs), timeoutMs: sendTimeoutMs, onTrouble });
    this.outboxTable = new Outbox({ store, settleMs, onTrouble });
    this.relay = new Relay({
      outbox: this.outboxTable,
      sender: this.sender,
      store,
      graceMs,
      onTrouble,
    });
    this.reader = new TopicReader(() => this.client(`${service}-reader`, readTimeoutMs), readTimeoutMs);
  }

  /** Needs the database; the brokers may come later. */
  static async open(options: KafkaBusOptions): Promise<KafkaBus> {
    const bus = new KafkaBus(options);
    await bus.outboxTable.keepDays().catch((error: unknown) => {
      // Another process may be at it; what finds no day of its own goes where all days go.
      if (!isTransientSqlError(error)) throw error;
      bus.onTrouble(error);
    });
    bus.days = setInterval(() => void bus.outboxTable.keepDays().catch(bus.onTrouble), daysEveryMs);
    bus.days.unref();
    await bus.relay.start();
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
    const { sessionTimeoutMs = 10_000 } = this.options;
    const subscription = await KafkaSubscription.open({
      client: () => this.client(member, 30_000),
      reader: this.reader,
      group,
      topics: [...new Set(topics)].sort(),
      sessionTimeoutMs,
      onTrouble: this.onTrouble,
      onClosed: (closed) => this.subscriptions.delete(closed),
    });
    this.subscriptions.add(subscription);
    return subscription;
  }

  async write(tx: Tx, records: readonly OutgoingRecord[]): Promise<void> {
    const { service } = this.options;
    const foreign = records.find(({ topic }) => producerOfTopic(topic) !== service);
    if (foreign) throw new Error(`${service} writes to its own topic alone, not to ${JSON.stringify(foreign.topic)}`);
    if (records.length > 0) await this.outboxTable.write(tx, records, !this.relay.behind);
  }

  /**
   * What would overtake something is left to the relay, and so is everything else until it has sent that.
   * @throws {KafkaError} they were not sent now; the relay sends them.
   */
  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    if (this.relay.behind || this.outboxTable.wouldOvertake(records)) {
      this.relay.leave();
      return;
    }
    try {
      await this.sender.send(records);
    } catch (error) {
      this.relay.leave();
      throw error;
    }
    crashPoint('publisher.after-send-before-confirm');
    this.outboxTable.confirm(records);
  }

  read(topic: string, partition: number, from: bigint, max: number): Promise<readonly TopicRecord[]> {
    return this.reader.read(topic, partition, from, max);
  }

  outbox(): Promise<{ readonly waiting: number; readonly oldestSeconds: number }> {
    return this.outboxTable.waiting();
  }

  /** Sends every event since the instant again, for brokers that lost what they had confirmed. Gives the number of events. */
  republish(since: Date): Promise<number> {
    return this.outboxTable.replay(since, (records) => this.sender.send(records));
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      clearInterval(this.days);
      await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
      await this.relay.close();
      await this.sender.close();
      await this.outboxTable.close();
      await this.reader.close();
    })();
    return this.closing;
  }

  private client(name: string, requestTimeoutMs: number): Kafka {
    return kafkaClient(this.options.connection, { clientId: `readmit-${name}`, requestTimeoutMs, log: this.options.log });
  }
}
