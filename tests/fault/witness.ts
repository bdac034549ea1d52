import { topicOf, services, type EventType, type FactOf } from '@readmit/contracts';
import type { System } from '@readmit/standalone';
import { schemaOf } from '@readmit/store';
import { until } from '@readmit/testing';
import { setTimeout as delay } from 'node:timers/promises';
import { Owner } from './owner.js';
import { isAway, kafkaTopics, tablesAsTopics, type TopicEvent, type Topics } from './topics.js';

export type { TopicEvent } from './topics.js';

const readEveryMs = 50;

/** An event in the outbox of a service. */
export interface OutboxEvent {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
}

/** Cases that were opened and not closed. The event that closes a case may be on its topic twice. */
export function openCases(facts: readonly Pick<TopicEvent, 'type' | 'key'>[]): readonly string[] {
  const keysOf = (wanted: EventType): ReadonlySet<string> => new Set(facts.filter(({ type }) => type === wanted).map(({ key }) => key));
  const closed = keysOf('readmit.case.closed');
  return [...keysOf('readmit.case.opened')].filter((key) => !closed.has(key));
}

/** Reads the topics independently of the services, so that a test sees what is committed without calling a service that may be down. */
export class Witness {
  private readonly facts: TopicEvent[] = [];
  private reading: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  private readonly owner: Owner;
  private readonly topics: Topics;
  private readonly onKafka: boolean;
  private closed = false;

  constructor({ ownerUrl, kafka }: Pick<System, 'ownerUrl' | 'kafka'>) {
    this.owner = new Owner(ownerUrl);
    this.onKafka = kafka !== undefined;
    this.topics = kafka ? kafkaTopics(kafka.connectionOf('admin')) : tablesAsTopics(this.owner);
  }

  /** All events on the topics; waits while the database or the brokers are down. */
  async read(): Promise<readonly TopicEvent[]> {
    // A call during a read waits for the next one: the current one may have started before the event that the caller expects.
    this.waiting ??= this.reading.then(async () => {
      // Many callers poll at the same time: they share a read.
      await delay(readEveryMs);
      this.waiting = undefined;
      this.reading = this.readTopics();
      return this.reading;
    });
    await this.waiting;
    return this.facts;
  }
  async of(key: string): Promise<readonly TopicEvent[]> {
    return (await this.read()).filter((fact) => fact.key === key);
  }
  async count(type: EventType): Promise<number> {
    // The same record may be on its topic twice.
    return new Set((await this.read()).filter((fact) => fact.type === type).map(({ id }) => id)).size;
  }
  /** Waits until the case has such an event. */
  async until<T extends EventType>(
    key: string,
    type: T,
    timeoutMs: number,
    matching: (data: FactOf<T>['data']) => boolean = () => true,
  ): Promise<FactOf<T>['data']> {
    const has = async (): Promise<TopicEvent | undefined> =>
      (await this.of(key)).find((fact) => fact.type === type && matching(fact.data as FactOf<T>['data']));
    let seen = '';
    const found = await until(
      async () => {
        const facts = await this.of(key);
        const failed = facts.find((fact) =>
          ['readmit.plan.refused', 'readmit.execution.failed', 'readmit.approval.denied'].includes(fact.type),
        );
        if (failed) throw new Error(`${key} failed: ${JSON.stringify(failed.data)}`);
        seen = facts.map((fact) => fact.type.replace('readmit.', '')).join(', ');
        return has();
      },
      { what: `${key} has ${type}`, timeoutMs },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it has ${seen}`);
    });
    return found.data as FactOf<T>['data'];
  }
  /** Open cases according to the topics. */
  async openCases(): Promise<readonly string[]> {
    return openCases(await this.read());
  }
  /** Events in the services' outboxes; undefined on the embedded bus, where the topic is also the outbox. */
  async outbox(): Promise<readonly OutboxEvent[] | undefined> {
    return this.onKafka ? this.writtenSince('100 years') : undefined;
  }
  /**
   * Waits until the topics have what was committed before the call: on Kafka, if the process dies in between, the event of a command may be
   * published long after the command was carried out.
   */
  async untilSent(): Promise<void> {
    if (!this.onKafka) return;
    const written = await this.writtenSince('2 minutes');
    await until(
      async () => {
        const published = new Set((await this.read()).map(({ id }) => id));
        return written.every(({ id }) => published.has(id));
      },
      { what: 'the topics have what was committed', timeoutMs: 120_000 },
    );
  }
  private async writtenSince(ago: string): Promise<readonly OutboxEvent[]> {
    const written: OutboxEvent[] = [];
    for (const service of services)
      written.push(
        ...(await this.owner.rowsWhenUp<OutboxEvent>(
          `SELECT headers ->> 'ce_id' AS id, topic, headers ->> 'ce_type' AS type FROM ${schemaOf(service)}.outbox
           WHERE topic = $1 AND written_at > clock_timestamp() - $2::interval`,
          [topicOf(service), ago],
        )),
      );
    return written;
  }
  /** Number of messages that services parked. */
  async parked(): Promise<number> {
    const [row] = await this.owner.rowsWhenUp<{ parked: number }>(
      `SELECT (${services.map((service) => `(SELECT count(*) FROM ${schemaOf(service)}.parked)`).join(' + ')})::int AS parked`,
    );
    return row?.parked ?? 0;
  }

  private async readTopics(): Promise<void> {
    await until(
      () => {
        if (this.closed) throw new Error('the witness was closed');
        return this.topics.readInto(this.facts).then(
          () => true,
          (error: unknown) => {
            if (!isAway(error)) throw error;
            return false;
          },
        );
      },
      { what: 'the topics can be read', timeoutMs: 120_000 },
    );
  }
  async close(): Promise<void> {
    this.closed = true;
    await this.topics.close();
    await this.owner.close();
  }
}
