import type { Kafka, Producer, RecordMetadata } from 'kafkajs';
import { partitionOf } from '../partition-of.js';
import type { OutgoingRecord } from '../port.js';
import { retries } from './client.js';
import { KafkaError, kafkaError, within } from './kafka-error.js';
import { sizeOf, toMessage } from './records.js';

export interface SenderOptions {
  readonly client: () => Kafka;
  /** How long a send may take before we stop waiting. */
  readonly timeoutMs: number;
  readonly onTrouble: (error: unknown) => void;
}

interface Waiting {
  readonly records: readonly OutgoingRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** All records of a partition in one request make one batch, and a topic takes a batch of 1 MiB: less, because of what is around it. */
const mostBytes = 900_000;
const mostRecords = 2_000;

/**
 * Sends in the order of the calls. What is asked for while a send is under way goes together with the next one. A producer that
 * failed is thrown away: kafkajs takes the sequence numbers of a failed request back, and if the broker had kept it after all, the
 * broker would take the next records under the same numbers for a repetition, say yes, and drop them.
 */
export class Sender {
  private producer: Promise<Producer> | undefined;
  private readonly waiting: Waiting[] = [];
  private pump: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: SenderOptions) {}

  /**
   * Resolves when all in-sync replicas have the records.
   * @throws {KafkaError} some or all may be there nevertheless; sends that waited behind fail with this one, unless it was the records' fault.
   */
  send(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.closed) return Promise.reject(new Error('the bus is closed'));
    if (records.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ records, resolve, reject });
      this.pump ??= this.run();
    });
  }

  /** Whether there is a way to the brokers at all, before somebody opens a transaction for it. */
  async reach(): Promise<void> {
    try {
      await within(this.connected(), this.options.timeoutMs, 'connecting');
    } catch (error) {
      this.discard(undefined);
      throw kafkaError('Kafka could not be reached', error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pump;
    const last = this.producer;
    this.producer = undefined;
    if (last) await within(this.disconnect(last), 2_000, 'disconnecting').catch(this.options.onTrouble);
  }

  private async run(): Promise<void> {
    // What the same turn of the event loop asks for goes together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const together = this.take();
      try {
        for (const records of slices(together.flatMap(({ records }) => records))) await this.attempt(records);
        for (const { resolve } of together) resolve();
      } catch (error) {
        const behind = error instanceof KafkaError && error.aboutRecords ? [] : this.waiting.splice(0);
        for (const { reject } of [...together, ...behind]) reject(error);
      }
    }
    // Synchronously after the last check: later requests start a new run.
    this.pump = undefined;
  }

  private take(): readonly Waiting[] {
    let bytes = 0;
    let records = 0;
    let count = 0;
    for (const one of this.waiting) {
      for (const record of one.records) bytes += sizeOf(record);
      records += one.records.length;
      if (count > 0 && (bytes > mostBytes || records > mostRecords)) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async attempt(records: readonly OutgoingRecord[]): Promise<void> {
    const { timeoutMs } = this.options;
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    const sending = (async () => {
      const producer = await this.connected();
      return producer.sendBatch({
        acks: -1,
        timeout: timeoutMs,
        topicMessages: [...byTopic].map(([topic, list]) => ({ topic, messages: list.map(toMessage) })),
      });
    })();
    try {
      confirmAll(records, await within(sending, timeoutMs, 'sending'));
    } catch (error) {
      this.discard(sending);
      throw kafkaError(`${records.length} records could not be sent to ${[...byTopic.keys()].join(', ')}`, error);
    }
  }

  private connected(): Promise<Producer> {
    this.producer ??= this.connect();
    return this.producer;
  }

  private async connect(): Promise<Producer> {
    const producer = this.options.client().producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? partitionOf(String(message.key)),
      // A given-up request is safe only because its producer goes with it.
      retry: { ...retries, retries: 5 },
    });
    try {
      await producer.connect();
    } catch (error) {
      await producer.disconnect().catch(this.options.onTrouble);
      throw error;
    }
    return producer;
  }

  /** A request that continues in the background would reconnect: disconnect again once it has ended. */
  private discard(sending: Promise<unknown> | undefined): void {
    const poisoned = this.producer;
    this.producer = undefined;
    if (!poisoned) return;
    void this.disconnect(poisoned)
      .then(() => sending?.then(undefined, () => undefined))
      .then(() => this.disconnect(poisoned))
      .catch(this.options.onTrouble);
  }

  private async disconnect(producer: Promise<Producer>): Promise<void> {
    const made = await producer.catch(() => undefined);
    await made?.disconnect();
  }
}

function* slices(records: readonly OutgoingRecord[]): Generator<readonly OutgoingRecord[]> {
  let slice: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    if (slice.length > 0 && (bytes + size > mostBytes || slice.length >= mostRecords)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(record);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}

/** kafkajs leaves out records of a partition that the topic does not have, and says nothing. */
function confirmAll(records: readonly OutgoingRecord[], answers: readonly RecordMetadata[]): void {
  const confirmed = new Set(answers.map(({ topicName, partition }) => `${topicName}/${partition}`));
  const silent = records.find(({ topic, key }) => !confirmed.has(`${topic}/${partitionOf(key)}`));
  if (silent)
    throw Object.assign(new Error(`no partition ${silent.topic}/${partitionOf(silent.key)}`), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
}
