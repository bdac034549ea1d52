import { topicOf, services, type EventType, type FactOf } from '@readmit/contracts';
import type { System } from '@readmit/standalone';
import { schemaOf } from '@readmit/store';
import { until } from '@readmit/testing';
import { setTimeout as delay } from 'node:timers/promises';
import { Owner } from './owner.js';
import { isAway, kafkaTopics, tablesAsTopics, type Seen, type Topics } from './topics.js';

export type { Seen } from './topics.js';

const readEveryMs = 50;

/** An event that the outbox of a service has kept. */
export interface Kept {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
}

/** Cases that were opened and not closed; a closing may lie on its topic twice, and ends one case. */
export function openCases(facts: readonly Pick<Seen, 'type' | 'key'>[]): readonly string[] {
  const keysOf = (wanted: EventType): ReadonlySet<string> => new Set(facts.filter(({ type }) => type === wanted).map(({ key }) => key));
  const closed = keysOf('readmit.case.closed');
  return [...keysOf('readmit.case.opened')].filter((key) => !closed.has(key));
}

/** Reads the topics beside the services, so that a test sees what is committed and asks no service that may be dead. */
export class Witness {
  private readonly facts: Seen[] = [];
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

  /** Everything that the topics have now; while the database or the brokers are away, it waits. */
  async look(): Promise<readonly Seen[]> {
    // Who asks while somebody reads waits for the next read: the one under way may have begun before what is asked about.
    this.waiting ??= this.reading.then(async () => {
      // Many wait for something at the same time, and the machine has other things to do.
      await delay(readEveryMs);
      this.waiting = undefined;
      this.reading = this.read();
      return this.reading;
    });
    await this.waiting;
    return this.facts;
  }
  async of(key: string): Promise<readonly Seen[]> {
    return (await this.look()).filter((fact) => fact.key === key);
  }
  async count(type: EventType): Promise<number> {
    // The same record may lie on its topic twice.
    return new Set((await this.look()).filter((fact) => fact.type === type).map(({ id }) => id)).size;
  }
  /** Waits until the case has such a fact. */
  async until<T extends EventType>(
    key: string,
    type: T,
    timeoutMs: number,
    matching: (data: FactOf<T>['data']) => boolean = () => true,
  ): Promise<FactOf<T>['data']> {
    const has = async (): Promise<Seen | undefined> =>
      (await this.of(key)).find((fact) => fact.type === type && matching(fact.data as FactOf<T>['data']));
    let seen = '';
    const found = await until(
      async () => {
        const facts = await this.of(key);
        const failed = facts.find((fact) =>
          ['readmit.plan.refused', 'readmit.execution.failed', 'readmit.approval.denied'].includes(fact.type),
        );
        if (failed) throw new Error(`${key} went wrong: ${JSON.stringify(failed.data)}`);
        seen = facts.map((fact) => fact.type.replace('readmit.', '')).join(', ');
        return has();
      },
      { what: `${key} has ${type}`, timeoutMs },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it has ${seen}`);
    });
    return found.data as FactOf<T>['data'];
  }
  /** Cases that are open, by the topics. */
  async openCases(): Promise<readonly string[]> {
    return openCases(await this.look());
  }
  /** What the services' outboxes say that they have said; absent on the embedded bus, where the row of the topic is that of the outbox. */
  async outbox(): Promise<readonly Kept[] | undefined> {
    return this.onKafka ? this.keptSince('100 years') : undefined;
  }
  /**
   * Waits until the topics have what was committed before it was asked: on Kafka a command may be carried out long before its event is
   * there, when the process dies in between.
   */
  async untilSent(): Promise<void> {
    if (!this.onKafka) return;
    const kept = await this.keptSince('2 minutes');
    await until(
      async () => {
        const there = new Set((await this.look()).map(({ id }) => id));
        return kept.every(({ id }) => there.has(id));
      },
      { what: 'the topics have what was committed', timeoutMs: 120_000 },
    );
  }
  private async keptSince(ago: string): Promise<readonly Kept[]> {
    const kept: Kept[] = [];
    for (const service of services)
      kept.push(
        ...(await this.owner.patientRows<Kept>(
          `SELECT headers ->> 'ce_id' AS id, topic, headers ->> 'ce_type' AS type FROM ${schemaOf(service)}.outbox
           WHERE topic = $1 AND written_at > clock_timestamp() - $2::interval`,
          [topicOf(service), ago],
        )),
      );
    return kept;
  }
  /** Messages that a service could not take. */
  async parked(): Promise<number> {
    const [row] = await this.owner.patientRows<{ parked: number }>(
      `SELECT (${services.map((service) => `(SELECT count(*) FROM ${schemaOf(service)}.parked)`).join(' + ')})::int AS parked`,
    );
    return row?.parked ?? 0;
  }

  private async read(): Promise<void> {
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
