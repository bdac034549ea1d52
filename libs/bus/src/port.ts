import type { ServiceName } from '@readmit/contracts';
import type { Tx } from '@readmit/store';

/** A record of a topic, as it lies there: bytes and headers, nothing interpreted. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  /** CloudEvents attributes in binary mode (`ce_id`, `ce_type`, `ce_time`, `ce_source`, ...), `content-type`, `traceparent`, `readmit-signature` (base64). */
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  /**
   * When it came to the topic, in milliseconds since the epoch, by a clock that its producer cannot set: the database's, the broker's.
   * Absent: nobody but the producer says when.
   */
  readonly arrivedAt?: number | undefined;
  /** It stands for a batch that could not be decoded: why, without a value of it. `value` has the bytes as they came. */
  readonly undecodable?: string | undefined;
}
export type OutgoingRecord = Omit<TopicRecord, 'offset' | 'partition' | 'arrivedAt' | 'undecodable'>;

/** What has arrived over all partitions that this member holds, and how to say that it is done with. */
export interface Batch {
  readonly records: readonly TopicRecord[];
  /**
   * Moves the position past the batch. `inTransaction` adapters (embedded) move it with `tx` and MUST fail the transaction
   * when the member no longer owns a partition (a stale owner rolls back); others move it in `afterCommit`.
   */
  commit(tx: Tx): Promise<void>;
  afterCommit(): Promise<void>;
}

export interface Subscription {
  /**
   * The next natural batch: everything that has arrived, at most `max` records; waits until there is one.
   * `undefined` when the subscription was closed. Records of one partition come in offset order.
   */
  next(max: number): Promise<Batch | undefined>;
  /** Records that lie on the held partitions behind the position (lag), for readiness and metrics. */
  lag(): Promise<bigint>;
  close(): Promise<void>;
}

/** The bus: two adapters (embedded, Kafka) that pass one conformance suite. */
export interface Bus {
  readonly kind: 'embedded' | 'kafka';
  subscribe(options: { readonly group: string; readonly topics: readonly string[]; readonly member: string }): Promise<Subscription>;
  /**
   * Writes events with the transaction that made them. Embedded: the topic row is the outbox row. Kafka: rows of the outbox.
   * Offsets of a partition are allocated under a lock held until commit, so that no reader sees a gap.
   */
  write(tx: Tx, records: readonly OutgoingRecord[]): Promise<void>;
  /** After the commit, with the very array that `write` got: Kafka sends what was just written. Failures leave it to the relay. */
  publish(records: readonly OutgoingRecord[]): Promise<void>;
  /** Reads a topic from an offset without a group: for replay, the timeline and tests. */
  read(topic: string, partition: number, from: bigint, max: number): Promise<readonly TopicRecord[]>;
  /** Events that are committed and not yet confirmed by the brokers, and the age of the oldest. Embedded: none, ever. */
  outbox(): Promise<{ readonly waiting: number; readonly oldestSeconds: number }>;
  close(): Promise<void>;
}

export interface BusOptions {
  readonly service: ServiceName;
}
