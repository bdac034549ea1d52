/** The one Kafka of a benchmark: a real broker that stays warm, with topics and groups that are created again for each slice. */
import { removeKafka, startKafka, type KafkaServer } from '@readmit/servers';
import { setUpKafka, type KafkaConnection } from '@readmit/bus';
import { auditOcsfTopic, producerOfTopic, servicePrincipal, services, topics, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import type { Admin } from 'kafkajs';
import type pg from 'pg';
import { plainClient } from './kafka-client.js';

const topology = { providers: [], siems: [], replication: 1, minInSync: 1 };
const everyTopic = [...topics, auditOcsfTopic];
const patience = 30_000;
/** As many as a statement carries well. */
const rowsAtOnce = 1_000;

/** What a program needs of it; it is sent to its process. */
export interface KafkaPlace {
  readonly connections: Readonly<Record<ServiceName, KafkaConnection>>;
  /** May look at everything. */
  readonly admin: KafkaConnection;
  readonly brokerPid: number;
}

export class KafkaArena {
  private readonly server: KafkaServer;
  private readonly admin: Admin;

  private constructor(server: KafkaServer, admin: Admin) {
    this.server = server;
    this.admin = admin;
  }

  static async open(dataDir: string): Promise<KafkaArena> {
    const server = await startKafka({ dataDir, users: services.map(servicePrincipal) });
    try {
      const admin = plainClient(connectionOf(server, 'admin'), 'bench-arena').admin({ retry: { retries: 8 } });
      await admin.connect();
      // The first question for a group makes the topic that groups are kept in.
      await admin.describeGroups(['warm-up']);
      return new KafkaArena(server, admin);
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.admin.disconnect();
    await this.server.stop();
    await removeKafka(this.server.dataDir);
  }

  /** Topics of the catalogue with its settings and permissions, empty; nobody has a position. */
  async fresh(): Promise<KafkaPlace> {
    await this.forgetGroups();
    const there = (await this.admin.listTopics()).filter((topic) => everyTopic.includes(topic));
    if (there.length > 0) await this.admin.deleteTopics({ topics: there });
    await setUpKafka({ connection: connectionOf(this.server, 'admin'), topology, apply: true });
    for (const topic of everyTopic) {
      const left = (await this.offsetsOf(topic)).find(({ high }) => high !== '0');
      if (left) throw new Error(`this is a bug: the new topic ${topic} holds records`);
    }
    const connections = Object.fromEntries(services.map((service) => [service, connectionOf(this.server, servicePrincipal(service))]));
    return {
      connections: connections as KafkaPlace['connections'],
      admin: connectionOf(this.server, 'admin'),
      brokerPid: this.server.pids.get(1) ?? 0,
    };
  }

  /**
   * Copies what lies on the topics, record by record, into the tables that topics have in PostgreSQL, which are empty on this bus: what is
   * asked of a slice is then the same on both. A record that was sent again because its answer came late lies on its topic twice,
   * which the inboxes allow for: the copies are counted and left out. `failed`: what is wrong with what was to be sent.
   */
  async bringHome(client: pg.Client, outbox: boolean): Promise<{ readonly failed: string | undefined; readonly repeated: number }> {
    const ends = new Map<string, number>();
    for (const topic of everyTopic)
      for (const { partition, high, low } of await this.offsetsOf(topic)) {
        if (low !== '0') return { failed: `${topic}/${partition} begins at ${low}`, repeated: 0 };
        ends.set(`${topic}/${partition}`, Number(high));
      }
    await this.copyTo(client, ends);
    let repeated = 0;
    for (const topic of everyTopic) {
      const { log } = tablesOfTopic(topic);
      const end = [...ends].reduce((sum, [name, one]) => (name.startsWith(`${topic}/`) ? sum + one : sum), 0);
      const copies = await client.query(
        `DELETE FROM ${busSchema}.${log} WHERE (partition, "offset") IN (SELECT partition, "offset" FROM (
           SELECT partition, "offset", row_number() OVER (PARTITION BY key, headers, value ORDER BY "offset") AS nth FROM ${busSchema}.${log}) r
         WHERE nth > 1)`,
      );
      repeated += copies.rowCount ?? 0;
      const wanted = end - (copies.rowCount ?? 0);
      const failed = await this.wrongOn(client, topic, wanted, outbox);
      if (failed !== undefined) return { failed, repeated };
    }
    return { failed: undefined, repeated };
  }

  private async wrongOn(client: pg.Client, topic: string, wanted: number, outbox: boolean): Promise<string | undefined> {
    const { log } = tablesOfTopic(topic);
    const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM ${busSchema}.${log}`);
    if (Number(rows[0]?.count) !== wanted) return `${rows[0]?.count} of ${wanted} records of ${topic} could be read`;
    const producer = producerOfTopic(topic);
    if (!outbox || !producer) return undefined;
    const schema = schemaOf(producer);
    const found = await client.query<{ kept: string; missing: string; unsent: string }>(
      `SELECT (SELECT count(*) FROM ${schema}.outbox WHERE topic = $1) AS kept, (SELECT count(*) FROM ${schema}.outbox o WHERE topic = $1
         AND NOT EXISTS (SELECT FROM ${busSchema}.${log} t WHERE t.key = o.key AND t.headers = o.headers::jsonb AND t.value = o.value)) AS missing,
         (SELECT count(*) FROM ${schema}.outbox_unsent) AS unsent`,
      [topic],
    );
    const { kept, missing, unsent } = found.rows[0] ?? {};
    return Number(kept) === wanted && missing === '0' && unsent === '0'
      ? undefined
      : `${topic} holds ${wanted} records; the outbox ${kept}, of which ${missing} are not there and ${unsent} transactions unconfirmed`;
  }

  private async copyTo(client: pg.Client, ends: ReadonlyMap<string, number>): Promise<void> {
    const left = new Map([...ends].filter(([, end]) => end > 0));
    if (left.size === 0) return;
    const group = 'bench-arena';
    const consumer = plainClient(connectionOf(this.server, 'admin'), group).consumer({ groupId: group, maxWaitTimeInMs: 100 });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(() => reject(new Error(`records could not be read: ${[...left.keys()].join(', ')}`)), 4 * patience);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...everyTopic], fromBeginning: true });
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch: { topic, partition, messages } }) => {
          const { log } = tablesOfTopic(topic);
          for (let from = 0; from < messages.length; from += rowsAtOnce) {
            const some = messages.slice(from, from + rowsAtOnce);
            await client.query(
              `INSERT INTO ${busSchema}.${log} (partition, "offset", key, headers, value)
               SELECT $1, r.* FROM unnest($2::bigint[], $3::text[], $4::jsonb[], $5::bytea[]) r`,
              [
                partition,
                some.map(({ offset }) => offset),
                some.map(({ key }) => key?.toString('utf8') ?? ''),
                some.map(({ headers = {} }) =>
                  JSON.stringify(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))),
                ),
                some.map(({ value }) => value ?? Buffer.alloc(0)),
              ],
            );
          }
          const name = `${topic}/${partition}`;
          if (Number(messages.at(-1)?.offset ?? -1) + 1 >= (ends.get(name) ?? 0)) left.delete(name);
          if (left.size === 0) resolve();
        },
      });
      await promise;
    } finally {
      clearTimeout(late);
      await consumer.disconnect();
    }
  }

  /** A leader of a new partition may not know yet that it is one. */
  private offsetsOf(topic: string): ReturnType<Admin['fetchTopicOffsets']> {
    return inTime(
      () => this.admin.fetchTopicOffsets(topic),
      (error) => (error as { retriable?: boolean }).retriable === true,
    );
  }

  private async forgetGroups(): Promise<void> {
    await inTime(
      async () => {
        const groups = (await this.admin.listGroups()).groups.map(({ groupId }) => groupId);
        if (groups.length > 0) await this.admin.deleteGroups(groups);
      },
      // A member that died without a word is in its group until its session ends.
      (error) => (error as { name?: string }).name === 'KafkaJSDeleteGroupsError',
    );
  }
}

async function inTime<R>(work: () => Promise<R>, passes: (error: unknown) => boolean): Promise<R> {
  for (const until = performance.now() + patience; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error) || performance.now() > until) throw error;
    }
  }
}

const connectionOf = (server: KafkaServer, user: string): KafkaConnection => ({
  brokers: server.brokers,
  sasl: server.credentials(user),
});
