import { PartitionAssigners, type Broker, type Cluster, type Kafka } from 'kafkajs';
import { backoffMs, WakeUp } from '@readmit/platform';
import type { TopicRecord } from '../port.js';
import { kafkaError, within } from './kafka-error.js';
import { toTopicRecord, type KafkaMessage } from './records.js';

export interface Place {
  readonly topic: string;
  readonly partition: number;
}
export const nameOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

interface Fetched {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly highWatermark: string;
      readonly messages: readonly (KafkaMessage & { readonly isControlRecord?: boolean })[];
    }[];
  }[];
}

const mostBytes = 8 * 1024 * 1024;

/**
 * Reads topics and offsets without a group: nothing joins, nothing is left behind on the brokers, and no rights on groups are
 * needed. kafkajs has no such reader, but hands its cluster to partition assigners; this one is taken from a consumer that never runs.
 */
export class TopicReader {
  private cluster: Promise<Cluster> | undefined;
  private readonly closing = new WakeUp();
  private closed = false;

  constructor(
    private readonly client: () => Kafka,
    private readonly timeoutMs: number,
  ) {}

  /** Records from the offset on, in order: those that are there now, at most `max`. */
  read(topic: string, partition: number, from: bigint, max: number): Promise<readonly TopicRecord[]> {
    return this.asking(`reading ${topic}/${partition}`, async (cluster) => {
      await cluster.addTargetTopic(topic);
      const found: TopicRecord[] = [];
      let next = from;
      let end = next + 1n;
      while (next < end && found.length < max) {
        const fetched = await this.fetch(cluster, { topic, partition }, next);
        if (fetched === 'out-of-range') {
          const [start = 0n] = await offsets(cluster, [{ topic, partition }], true);
          if (start <= next) break;
          next = start;
          end = start + 1n;
          continue;
        }
        end = fetched.end;
        if (fetched.messages.length === 0) break;
        for (const message of fetched.messages) {
          const offset = BigInt(message.offset);
          if (offset < next) continue;
          next = offset + 1n;
          if (!message.isControlRecord && found.length < max) found.push(toTopicRecord(topic, partition, message));
        }
      }
      return found;
    });
  }

  /** The offset behind the last record of each place. */
  ends(places: readonly Place[]): Promise<readonly bigint[]> {
    return this.asking('reading the ends of topics', (cluster) => offsets(cluster, places, false));
  }

  /** Where a group resumes that has nothing in memory: its committed offset, else the start of the topic. */
  starts(group: string, places: readonly Place[]): Promise<readonly bigint[]> {
    return this.asking(`reading the offsets of ${group}`, async (cluster) => {
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      const byTopic = Map.groupBy(places, ({ topic }) => topic);
      const { responses } = await coordinator.offsetFetch({
        groupId: group,
        topics: [...byTopic].map(([topic, list]) => ({ topic, partitions: list.map(({ partition }) => ({ partition, offset: '' })) })),
      });
      const committed = new Map(
        responses.flatMap(({ topic, partitions }) =>
          partitions.map(({ partition, offset }) => [nameOf({ topic, partition }), BigInt(offset)] as const),
        ),
      );
      const first = await offsets(cluster, places, true);
      return places.map((place, at) => {
        const offset = committed.get(nameOf(place)) ?? -1n;
        return offset >= 0n ? offset : (first[at] ?? 0n);
      });
    });
  }

  /** Throws what the brokers say about the group: kafkajs loses the reason. */
  async checkGroup(group: string): Promise<void> {
    await this.asking(`finding the coordinator of ${group}`, async (cluster) => {
      const [nodeId] = cluster.getNodeIds();
      const broker = await cluster.findBroker({ nodeId: String(nodeId) });
      const ask = broker as Broker & { findGroupCoordinator(options: { groupId: string; coordinatorType: number }): Promise<unknown> };
      await ask.findGroupCoordinator({ groupId: group, coordinatorType: 0 });
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.closing.wake();
    const cluster = await this.cluster?.catch(() => undefined);
    await cluster?.disconnect();
  }

  /** Leaders move and connections end: asked again with fresh metadata, until the deadline. */
  private async asking<R>(what: string, ask: (cluster: Cluster) => Promise<R>): Promise<R> {
    const until = performance.now() + this.timeoutMs;
    for (let failures = 0; ; failures++) {
      const left = Math.max(1, until - performance.now());
      try {
        return await within(
          (async () => {
            const cluster = await this.connected();
            if (failures > 0) await cluster.refreshMetadata();
            return ask(cluster);
          })(),
          left,
          what,
        );
      } catch (error) {
        const told = kafkaError(what, error);
        if (told.permanent || this.closed || performance.now() + backoffMs(failures) > until) throw told;
        await this.closing.wait(backoffMs(failures));
      }
    }
  }

  private connected(): Promise<Cluster> {
    this.cluster ??= this.connect().catch((error: unknown) => {
      this.cluster = undefined;
      throw error;
    });
    return this.cluster;
  }

  private async connect(): Promise<Cluster> {
    let cluster: Cluster | undefined;
    this.client().consumer({
      groupId: 'never-joined',
      allowAutoTopicCreation: false,
      partitionAssigners: [
        (config) => {
          cluster = config.cluster;
          return PartitionAssigners.roundRobin(config);
        },
      ],
    });
    if (!cluster) throw new Error('this is a bug: kafkajs made a consumer without its assigner');
    await cluster.connect();
    await cluster.refreshMetadata();
    return cluster;
  }

  private async fetch(
    cluster: Cluster,
    { topic, partition }: Place,
    from: bigint,
  ): Promise<{ readonly messages: Fetched['responses'][0]['partitions'][0]['messages']; readonly end: bigint } | 'out-of-range'> {
    const broker = await leaderOf(cluster, { topic, partition });
    try {
      const { responses } = (await broker.fetch({
        maxWaitTime: 0,
        minBytes: 0,
        maxBytes: mostBytes,
        topics: [{ topic, partitions: [{ partition, fetchOffset: from.toString(), maxBytes: mostBytes }] }],
      })) as Fetched;
      const got = responses[0]?.partitions[0];
      return { messages: got?.messages ?? [], end: BigInt(got?.highWatermark ?? 0) };
    } catch (error) {
      if ((error as { type?: unknown }).type === 'OFFSET_OUT_OF_RANGE') return 'out-of-range';
      throw error;
    }
  }
}

async function leaderOf(cluster: Cluster, { topic, partition }: Place): Promise<Broker> {
  const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (leader === undefined) throw Object.assign(new Error(`no partition ${topic}/${partition}`), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
  return cluster.findBroker({ nodeId: leader });
}

async function offsets(cluster: Cluster, places: readonly Place[], fromBeginning: boolean): Promise<readonly bigint[]> {
  if (places.length === 0) return [];
  const byTopic = Map.groupBy(places, ({ topic }) => topic);
  await cluster.addMultipleTargetTopics([...byTopic.keys()]);
  const found = new Map<string, bigint>();
  for (const { topic, partitions } of await cluster.fetchTopicsOffset(
    [...byTopic].map(([topic, list]) => ({ topic, partitions: list.map(({ partition }) => ({ partition })), fromBeginning })),
  )) {
    for (const { partition, offset } of partitions) found.set(nameOf({ topic, partition }), BigInt(offset));
  }
  return places.map((place) => {
    const offset = found.get(nameOf(place));
    if (offset === undefined) throw Object.assign(new Error(`no partition ${nameOf(place)}`), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
    return offset;
  });
}
