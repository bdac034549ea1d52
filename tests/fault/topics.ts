import { KafkaError, KafkaTopics, type KafkaConnection } from '@readmit/bus';
import { partitionsPerTopic, services, topicOf } from '@readmit/contracts';
import { busSchema, isTransientSqlError, tablesOfTopic } from '@readmit/store';
import type { Owner } from './owner.js';

/** An event on a topic. */
export interface TopicEvent {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
  /** The signed time of its envelope. */
  readonly at: string;
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads the topics of the six services, independently of them. */
export interface Topics {
  /** Adds what arrived since the last call. If it throws, what it added before stays, and is not added a second time. */
  readInto(facts: TopicEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** Whether the database or the brokers are down, so that a later call may succeed. */
export const isAway = (error: unknown): boolean => error instanceof KafkaError || isTransientSqlError(error);

const eventOf = (
  topic: string,
  { key, headers, value }: { key: string; headers: Readonly<Record<string, string>>; value: Buffer },
): TopicEvent => ({
  id: headers['ce_id'] ?? '',
  topic,
  type: headers['ce_type'] ?? '',
  at: headers['ce_time'] ?? '',
  key,
  data: JSON.parse(value.toString('utf8')) as TopicEvent['data'],
});

/** Reads the tables of the embedded bus, as their owner. */
export function tablesAsTopics(owner: Owner): Topics {
  const next = new Map<string, Record<string, number>>();
  return {
    async readInto(facts) {
      for (const topic of services.map(topicOf)) {
        const from = next.get(topic) ?? {};
        next.set(topic, from);
        const rows = await owner.rows<{
          partition: number;
          offset: string;
          key: string;
          headers: Record<string, string>;
          value: Buffer;
        }>(
          `SELECT partition, "offset", key, headers, value FROM ${busSchema}.${tablesOfTopic(topic).log}
           WHERE "offset" >= coalesce(($1::jsonb ->> partition::text)::bigint, 0) ORDER BY partition, "offset"`,
          [JSON.stringify(from)],
        );
        for (const row of rows) {
          from[row.partition] = Number(row.offset) + 1;
          facts.push(eventOf(topic, row));
        }
      }
    },
    async close() {},
  };
}

/** Reads Kafka as a user that may read every topic. */
export function kafkaTopics(connection: KafkaConnection): Topics {
  const topics = new KafkaTopics(connection, 'witness');
  const places = allPlaces();
  const next = places.map(() => 0n);
  return {
    async readInto(facts) {
      const ends = await topics.ends(places);
      for (const [at, { topic, partition }] of places.entries())
        while ((next[at] ?? 0n) < (ends[at] ?? 0n)) {
          const records = await topics.read(topic, partition, next[at] ?? 0n, 1_000);
          const last = records.at(-1);
          if (!last) break;
          next[at] = last.offset + 1n;
          facts.push(...records.map((record) => eventOf(topic, record)));
        }
    },
    close: () => topics.close(),
  };
}

/** Every partition of the services' topics. */
export const allPlaces = (): readonly { readonly topic: string; readonly partition: number }[] =>
  services.flatMap((service) => Array.from({ length: partitionsPerTopic }, (_, partition) => ({ topic: topicOf(service), partition })));
