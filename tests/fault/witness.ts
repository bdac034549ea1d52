import { topicOf, services, type EventType, type FactOf } from '@readmit/contracts';
import { busSchema, isTransientSqlError, tablesOfTopic } from '@readmit/store';
import { until } from '@readmit/testing';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const readEveryMs = 50;

/** A fact as it lies on a topic. */
export interface Seen {
  readonly id: string;
  readonly topic: string;
  readonly type: string;
  /** The time that its envelope signs. */
  readonly at: string;
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads the topics beside the services, so that a test sees what is committed and asks no service that may be dead. */
export class Witness {
  private readonly facts: Seen[] = [];
  private readonly next = new Map<string, number>();
  private reading: Promise<void> = Promise.resolve();
  private waiting: Promise<void> | undefined;
  private client: Promise<pg.Client> | undefined;
  private readonly ownerUrl: string;

  constructor(ownerUrl: string) {
    this.ownerUrl = ownerUrl;
  }

  /** Everything that is committed now; while the database is away, it waits. */
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
  /** Messages that a service could not take. */
  async parked(): Promise<number> {
    return this.withClient(async (client) => {
      const { rows } = await client.query<{ parked: number }>(
        `SELECT (${services.map((service) => `(SELECT count(*) FROM ${service.replaceAll('-', '_')}.parked)`).join(' + ')})::int AS parked`,
      );
      return rows[0]?.parked ?? 0;
    });
  }

  private async read(): Promise<void> {
    await until(
      () =>
        this.withClient((client) => this.readInto(client)).then(
          () => true,
          (error: unknown) => {
            if (!isTransientSqlError(error)) throw error;
            return false;
          },
        ),
      { what: 'the database answers', timeoutMs: 30_000 },
    );
  }
  private async readInto(client: pg.Client): Promise<void> {
    for (const service of services) {
      const table = tablesOfTopic(topicOf(service)).log;
      const from = Object.fromEntries(
        [...this.next].filter(([place]) => place.startsWith(`${table}/`)).map(([place, at]) => [place.slice(table.length + 1), at]),
      );
      const { rows } = await client.query<{
        partition: number;
        offset: string;
        key: string;
        headers: Record<string, string>;
        value: Buffer;
      }>(
        `SELECT partition, "offset", key, headers, value FROM ${busSchema}.${table} WHERE "offset" >= coalesce(($1::jsonb ->> partition::text)::bigint, 0) ORDER BY partition, "offset"`,
        [JSON.stringify(from)],
      );
      for (const row of rows) {
        this.next.set(`${table}/${row.partition}`, Number(row.offset) + 1);
        this.facts.push({
          id: row.headers['ce_id'] ?? '',
          topic: topicOf(service),
          type: row.headers['ce_type'] ?? '',
          at: row.headers['ce_time'] ?? '',
          key: row.key,
          data: JSON.parse(row.value.toString('utf8')) as Seen['data'],
        });
      }
    }
  }
  /** On one connection, made anew when it was lost. */
  private async withClient<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    this.client ??= this.connect();
    try {
      return await work(await this.client);
    } catch (error) {
      await this.close();
      throw error;
    }
  }
  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.ownerUrl, application_name: 'witness' });
    // The query under way, or the next one, fails with it.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }
  async close(): Promise<void> {
    const client = await this.client?.catch(() => undefined);
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }
}
