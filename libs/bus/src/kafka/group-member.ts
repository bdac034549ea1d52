import { PartitionAssigners, type Consumer, type EachBatchPayload, type Kafka, type TopicPartitionOffset } from 'kafkajs';
import { partitionsPerTopic } from '@readmit/contracts';
import { retries } from './client.js';
import { within } from './kafka-error.js';
import type { Place } from './topic-reader.js';

export interface MemberOptions {
  readonly client: Kafka;
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  /** What is assigned now. `continuous`: this member was in every generation of the group since the last time. Gives where to go on. */
  readonly onAssigned: (places: readonly Place[], continuous: boolean) => readonly TopicPartitionOffset[];
  /** The member is about to give its partitions back and to ask for new ones: the last moment to commit as their owner. */
  readonly onRebalancing: () => void;
  /** Resolves when more may come. Calls `heartbeat` while it waits; what that throws MUST be thrown on. */
  readonly onBatch: (payload: EachBatchPayload) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** Ends the wait for the group, which can be long while another member is away. */
  readonly closing: Promise<void>;
}

/** How long a fetch waits for the first byte: also how long a heartbeat, a rebalance or a close may have to wait for the fetch. */
const longestFetchMs = 300;
const rebalanceTimeoutMs = 30_000;
const fetchBytes = 4 * 1024 * 1024;

/**
 * One life of a member of a consumer group: it joins, reads, and ends by `close` or by a failure, which `ended` tells. It never
 * starts again by itself. A member without heartbeats ends as well: kafkajs can stall silently.
 *
 * So does one that kafkajs lets join again in the middle of fetching, which it does when a partition's leader has moved. What it was
 * fetching from the other brokers still arrives then, from behind where the new assignment begins: taken for the beginning of that, it would let
 * everything before it be passed over.
 */
export class GroupMember {
  readonly ended: Promise<Error>;
  private over = false;
  private tellEnd: (error: Error) => void = () => undefined;
  private watch: NodeJS.Timeout | undefined;
  private lastSign = performance.now();
  private closing: Promise<void> | undefined;
  private memberId: string | undefined;
  /** Requests to join since the last assignment: kafkajs asks the assigner for its protocol at each. */
  private joins = 0;
  private rebalancing = false;
  private readonly consumer: Consumer;

  private constructor(private readonly options: MemberOptions) {
    const { sessionTimeoutMs, client, group } = options;
    this.ended = new Promise((resolve) => (this.tellEnd = resolve));
    this.consumer = client.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, Math.floor(sessionTimeoutMs / 4)),
      rebalanceTimeout: rebalanceTimeoutMs,
      maxWaitTimeInMs: Math.min(longestFetchMs, Math.floor(sessionTimeoutMs / 4)),
      maxBytesPerPartition: 1024 * 1024,
      maxBytes: fetchBytes,
      metadataMaxAge: 60_000,
      allowAutoTopicCreation: false,
      retry: { ...retries, restartOnFailure: () => Promise.resolve(false) },
      partitionAssigners: [
        (config) => {
          const assigner = PartitionAssigners.roundRobin(config);
          const { protocol } = assigner;
          return {
            ...assigner,
            protocol: (subscription) => {
              this.joins++;
              return protocol.call(assigner, subscription);
            },
          };
        },
      ],
    });
    this.listen();
  }

  /** Resolves when the group has taken the member in; throws when it could not join. */
  static async join(options: MemberOptions): Promise<GroupMember> {
    const member = new GroupMember(options);
    void options.closing.then(() => member.end(new Error('the subscription was closed')));
    const failed = member.ended.then((error) => {
      throw error;
    });
    // Without a listener, a rejection must not end the process.
    failed.catch(() => undefined);
    try {
      await Promise.race([member.begin(), failed]);
      if (member.memberId === undefined) await failed;
      return member;
    } catch (error) {
      await member.close();
      throw error;
    }
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    await this.consumer.commitOffsets([...offsets]);
  }

  /** Leaves the group, if the brokers can be told; its session ends by itself otherwise. */
  close(): Promise<void> {
    this.closing ??= (async () => {
      clearInterval(this.watch);
      await within(this.consumer.disconnect(), 5_000, 'leaving the consumer group').catch(this.options.onTrouble);
    })();
    return this.closing;
  }

  private async begin(): Promise<void> {
    const { topics, sessionTimeoutMs } = this.options;
    const patience = rebalanceTimeoutMs + 2 * sessionTimeoutMs;
    this.watch = setInterval(() => {
      if (performance.now() - this.lastSign > patience)
        this.end(new Error(`the consumer of group ${this.options.group} sent no heartbeat for ${patience} ms`));
    }, 1_000);
    this.watch.unref();
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await this.consumer.run({
      autoCommit: false,
      // Every partition may wait for room in the buffer without keeping another from its place there.
      partitionsConsumedConcurrently: topics.length * partitionsPerTopic,
      eachBatch: (payload) => {
        if (this.over) return Promise.resolve();
        this.sign();
        return this.options.onBatch({
          ...payload,
          heartbeat: async () => {
            await payload.heartbeat();
            this.sign();
          },
        });
      },
    });
  }

  private listen(): void {
    const { events } = this.consumer;
    const sign = (): void => this.sign();
    this.consumer.on(events.HEARTBEAT, sign);
    this.consumer.on(events.FETCH, sign);
    // After a rebalance that could not be joined, because the coordinator was away, kafkajs fetches on.
    this.consumer.on(events.FETCH_START, () => (this.rebalancing = false));
    this.consumer.on(events.REBALANCING, () => {
      this.sign();
      this.rebalancing = true;
      this.options.onRebalancing();
    });
    // kafkajs calls this before it fetches for the new assignment, so that a seek is in time.
    this.consumer.on(events.GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      if (this.over) return;
      this.sign();
      // Before REBALANCING kafkajs has waited for all of its fetches.
      if (this.memberId !== undefined && !this.rebalancing) {
        this.options.onAssigned([], false);
        this.end(new Error('a partition has a new leader, or the group dropped this member: rejoining'));
        return;
      }
      // Joining twice for one assignment means that one between was missed; a new name means that we were struck off.
      const continuous = this.rebalancing && this.joins === 1 && memberId === this.memberId;
      this.memberId = memberId;
      this.joins = 0;
      this.rebalancing = false;
      const places = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
        (partitions as readonly number[]).map((partition) => ({ topic, partition })),
      );
      for (const place of this.options.onAssigned(places, continuous)) this.consumer.seek(place);
    });
    this.consumer.on(events.CRASH, ({ payload: { error } }) => this.end(error));
  }

  private end(error: Error): void {
    this.over = true;
    this.tellEnd(error);
  }

  private sign(): void {
    this.lastSign = performance.now();
  }
}
