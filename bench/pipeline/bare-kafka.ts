/**
 * R0 on Kafka: plain kafkajs with the product's settings. Fetches while a statement is under way, sends after the commit what was written
 * to the outbox (idempotent, acks of all, what waits goes together), and commits offsets behind the work.
 */
import { partitionOf, type KafkaConnection } from '@readmit/bus';
import { partitionsPerTopic, type ServiceName } from '@readmit/contracts';
import type { Consumer, EachBatchPayload, Producer } from 'kafkajs';
import type { BareBus, HeardRecord, Take } from './bare-bus.js';
import { plainClient } from './kafka-client.js';
import type { Said } from './statement.js';

/** Records of one partition that stay together: few enough to fill a statement up to its cap. */
const together = 50;
const trickleMs = 5;
const mostBuffered = 1_000;
const mostSent = 2_000;
const mostBytes = 900_000;

export class KafkaWire implements BareBus {
  readonly saysTo = 'outbox';
  readonly topics: readonly string[];
  private readonly consumer: Consumer;
  private readonly producer: Producer;
  private readonly fail: (error: unknown) => void;
  private buffered = 0;
  private stopping = false;
  private readonly due = new Map<string, { readonly topic: string; readonly partition: number; readonly offset: string }>();
  private committing: Promise<void> | undefined;
  private waiting: { readonly says: readonly Said[]; readonly batch: string }[] = [];
  private sending: Promise<void> | undefined;
  private arrived: string[] = [];

  constructor(options: {
    readonly service: ServiceName;
    readonly topics: readonly string[];
    readonly connection: KafkaConnection;
    readonly fail: (error: unknown) => void;
  }) {
    const { service, topics, connection, fail } = options;
    this.topics = topics;
    this.fail = fail;
    const client = plainClient(connection, `bare-${service}`);
    this.consumer = client.consumer({
      groupId: service,
      sessionTimeout: 10_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 300,
      maxBytesPerPartition: 1024 * 1024,
      maxBytes: 4 * 1024 * 1024,
      allowAutoTopicCreation: false,
    });
    this.producer = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });
  }

  async start(take: Take): Promise<void> {
    await this.producer.connect();
    await this.consumer.connect();
    this.consumer.on(this.consumer.events.CRASH, ({ payload }) => this.fail(payload.error));
    await this.consumer.subscribe({ topics: [...this.topics], fromBeginning: true });
    await this.consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: this.topics.length * partitionsPerTopic,
      // A batch that failed is not to come again: the slice has failed with it.
      eachBatch: (payload) => this.arrive(payload, take).catch(this.fail),
    });
  }

  said(says: readonly Said[], batch: string): void {
    this.waiting.push({ says, batch });
    this.sending ??= this.send().catch(this.fail);
  }

  confirmed(): readonly string[] {
    const { arrived } = this;
    this.arrived = [];
    return arrived;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.committing;
    await this.consumer.disconnect();
    await this.sending;
    await this.producer.disconnect();
  }

  /** Resolves when the next fetch may come: at once when nobody is at work, else when what came is part of a statement, or after a moment. */
  private async arrive({ batch: { topic, partition, messages }, heartbeat }: EachBatchPayload, take: Take): Promise<void> {
    let taken: Promise<void> | undefined;
    for (let from = 0; from < messages.length; from += together) {
      const some = messages.slice(from, from + together);
      const offset = String(BigInt(some.at(-1)?.offset ?? 0) + 1n);
      const { picked, done } = take(some.map(toHeard), []);
      this.buffered += some.length;
      taken = picked.then(() => {
        this.buffered -= some.length;
      });
      void done.then(() => {
        this.due.set(`${topic}/${partition}`, { topic, partition, offset });
        this.committing ??= this.commit().catch(this.fail);
      }, this.fail);
    }
    await Promise.race([taken, trickle()]);
    while (this.buffered >= mostBuffered && !this.stopping) {
      await trickle();
      await heartbeat();
    }
  }

  private async commit(): Promise<void> {
    // What the same turn of the event loop is done with goes together.
    await Promise.resolve();
    while (this.due.size > 0) {
      const offsets = [...this.due.values()];
      this.due.clear();
      await this.consumer.commitOffsets(offsets);
    }
    this.committing = undefined;
  }

  private async send(): Promise<void> {
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const sent = this.waiting;
      this.waiting = [];
      for (const slice of slices(sent.flatMap(({ says }) => says)))
        await this.producer.sendBatch({
          acks: -1,
          topicMessages: [...Map.groupBy(slice, ({ topic }) => topic)].map(([topic, says]) => ({ topic, messages: says.map(toMessage) })),
        });
      this.arrived.push(...sent.map(({ batch }) => batch));
    }
    this.sending = undefined;
  }
}

const trickle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, trickleMs));

const toHeard = ({ key, value, headers = {} }: EachBatchPayload['batch']['messages'][number]): HeardRecord => ({
  key: key?.toString('utf8') ?? '',
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
  value: value ?? Buffer.alloc(0),
});

const toMessage = ({ key, headers, value }: Said) => ({
  key,
  value,
  headers: JSON.parse(headers) as Record<string, string>,
  partition: partitionOf(key),
});

/** Whatever the partitions: less than a batch of 1 MiB, which a topic takes. */
function* slices(says: readonly Said[]): Generator<readonly Said[]> {
  let slice: Said[] = [];
  let bytes = 0;
  for (const one of says) {
    const size = one.value.length + one.headers.length + one.key.length;
    if (slice.length > 0 && (bytes + size > mostBytes || slice.length >= mostSent)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(one);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}
