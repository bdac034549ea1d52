import type { OutgoingRecord, TopicRecord } from '../port.js';
import { kafkaClient, type KafkaConnection } from './client.js';
import { Sender } from './sender.js';
import { TopicReader, type Place } from './topic-reader.js';

const timeoutMs = 10_000;

/**
 * Topics of Kafka as a user may read and write them, with neither outbox nor group: for who looks on and for who does harm. A service's
 * own way is the `KafkaBus`.
 */
export class KafkaTopics {
  private readonly sender: Sender;
  private readonly reader: TopicReader;

  /** Connects at the first call. `name`: for the brokers' logs. */
  constructor(connection: KafkaConnection, name: string) {
    const client = () => kafkaClient(connection, { clientId: name, requestTimeoutMs: timeoutMs });
    this.sender = new Sender({ client, timeoutMs, onTrouble: () => {} });
    this.reader = new TopicReader(client, timeoutMs);
  }

  /**
   * Resolves when all in-sync replicas have the records.
   * @throws {KafkaError} some or all may be there nevertheless.
   */
  send(records: readonly OutgoingRecord[]): Promise<void> {
    return this.sender.send(records);
  }

  /** Records from the offset on, in order: those that are there now, at most `max`. */
  read(topic: string, partition: number, from: bigint, max: number): Promise<readonly TopicRecord[]> {
    return this.reader.read(topic, partition, from, max);
  }

  /** The offset behind the last record of each place. */
  ends(places: readonly Place[]): Promise<readonly bigint[]> {
    return this.reader.ends(places);
  }

  async close(): Promise<void> {
    await this.sender.close();
    await this.reader.close();
  }
}
