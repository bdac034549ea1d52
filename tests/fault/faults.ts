import { EmbeddedBus, KafkaTopics, type OutgoingRecord } from '@readmit/bus';
import { servicePrincipal, services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, isTransientSqlError, openStore, roleOf, schemaOf, tablesOfTopic } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import { shuffled } from './random.js';
import type { World } from './recoveries.js';
import { allPlaces, isAway } from './topics.js';

/** The injector's application_name, whose backends it does not terminate. */
const injectorName = 'fault injector';

/** Publishes old records again, with the service's own rights. */
interface Producer {
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** Faults other than a crash at a point. Each returns how many things it affected, or 0 if it was not possible at the moment. */
export class Faults {
  private readonly world: World;
  private readonly producers = new Map<ServiceName, Producer>();
  private reader: KafkaTopics | undefined;

  constructor(world: World) {
    this.world = world;
  }

  /** Terminates all backends of one service, or any one: queries in progress end with an error, or with an unknown outcome. */
  async terminateBackends(service: ServiceName | undefined, random: () => number): Promise<number> {
    return this.asOwner(async (client) => {
      const { rows } = await client.query(
        `SELECT pg_terminate_backend(pid) FROM (
           SELECT pid FROM pg_stat_activity WHERE usename = ANY ($1) AND application_name <> $2 ORDER BY (state <> 'idle') DESC, md5(pid::text || $4) LIMIT $3
         ) chosen`,
        [service ? [roleOf(service)] : services.map(roleOf), injectorName, service ? 100 : 1, String(random())],
      );
      return rows.length;
    });
  }

  /** Publishes old records of a topic again, in another order, also within a key. */
  async repeatRecords(service: ServiceName, random: () => number): Promise<number> {
    const limit = 1 + Math.floor(random() * 30);
    try {
      const records = shuffled(await this.oldRecords(topicOf(service), limit, random), random);
      if (records.length > 0) await (await this.producerOf(service)).send(records);
      return records.length;
    } catch (error) {
      if (!isAway(error)) throw error;
      return 0;
    }
  }
  private async oldRecords(topic: string, limit: number, random: () => number): Promise<readonly OutgoingRecord[]> {
    const { kafka } = this.world.system;
    if (!kafka) {
      const found = await this.asOwnerRows<{ key: string; headers: Record<string, string>; value: Buffer }>(
        `SELECT key, headers, value FROM ${busSchema}.${tablesOfTopic(topic).log} ORDER BY md5(partition || ' ' || "offset" || $2) LIMIT $1`,
        [limit, String(random())],
      );
      return found.map((row) => ({ topic, ...row }));
    }
    // A service may not read its own topic.
    this.reader ??= new KafkaTopics(kafka.connectionOf('admin'), injectorName);
    const places = allPlaces().filter((place) => place.topic === topic);
    const ends = await this.reader.ends(places);
    const records: OutgoingRecord[] = [];
    for (const [at, { partition }] of places.entries()) {
      const from = BigInt(Math.floor(random() * Number(ends[at] ?? 0n)));
      const found = await this.reader.read(topic, partition, from, Math.ceil(limit / places.length));
      records.push(...found.map(({ key, headers, value }) => ({ topic, key, headers, value })));
    }
    return records.slice(0, limit);
  }

  /** The server is killed (SIGKILL) or stopped at once (SIGINT: fast shutdown); the launcher starts it again. */
  restartDatabase(how: 'SIGKILL' | 'SIGINT'): Promise<number> {
    return this.restart('database', how);
  }
  /** The broker is killed (SIGKILL) or stopped (SIGTERM); the launcher starts it again. */
  restartKafka(how: 'SIGKILL' | 'SIGTERM'): Promise<number> {
    return this.restart('kafka', how);
  }
  private async restart(part: 'database' | 'kafka', how: NodeJS.Signals): Promise<number> {
    const { system } = this.world;
    const pid = system.pidOf(part);
    if (!pid || !signal(pid, how)) return 0;
    await until(() => ![undefined, pid].includes(system.pidOf(part)), { what: `${part} runs again`, timeoutMs: 120_000 });
    return 1;
  }

  /** Pauses the process, as on a machine that swaps, for longer than its leases or not; then it continues with its old state. */
  async pause(service: ServiceName, milliseconds: number): Promise<number> {
    const pid = this.world.system.pidOf(service);
    if (!pid || !signal(pid, 'SIGSTOP')) return 0;
    const resumeAt = performance.now() + milliseconds;
    await until(() => performance.now() >= resumeAt, { what: 'the pause is over', timeoutMs: milliseconds + 10_000 });
    signal(pid, 'SIGCONT');
    return 1;
  }

  /** Kills it, whatever it is doing. */
  kill(service: ServiceName): number {
    return this.send(service, 'SIGKILL');
  }
  /** Tells it to stop. */
  drain(service: ServiceName): number {
    return this.send(service, 'SIGTERM');
  }
  /** Whether it is running; one that was started again counts when it is ready. */
  isRunning(service: ServiceName): boolean {
    return this.send(service, 0) > 0;
  }
  private send(service: ServiceName, name: NodeJS.Signals | 0): number {
    const pid = this.world.system.pidOf(service);
    return pid && signal(pid, name) ? 1 : 0;
  }

  async close(): Promise<void> {
    for (const producer of this.producers.values()) await producer.close();
    await this.reader?.close();
  }

  private async producerOf(service: ServiceName): Promise<Producer> {
    const known = this.producers.get(service);
    if (known) return known;
    const { kafka, databaseUrls } = this.world.system;
    const producer = kafka
      ? new KafkaTopics(kafka.connectionOf(servicePrincipal(service)), injectorName)
      : await embeddedProducer(service, databaseUrls[service]);
    this.producers.set(service, producer);
    return producer;
  }

  private async asOwnerRows<Row extends object>(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    let rows: readonly Row[] = [];
    await this.asOwner(async (client) => {
      rows = (await client.query<Row>(sql, [...parameters])).rows;
      return rows.length;
    });
    return rows;
  }
  private async asOwner(work: (client: pg.Client) => Promise<number>): Promise<number> {
    const client = new pg.Client({ connectionString: this.world.system.ownerUrl, application_name: injectorName });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      if (!isTransientSqlError(error)) throw error;
      return 0;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function embeddedProducer(service: ServiceName, url: string): Promise<Producer> {
  const store = await openStore({ url, schema: schemaOf(service), applicationName: injectorName, poolSize: 1 });
  const bus = await EmbeddedBus.open({ store, service });
  return {
    send: (records) => store.transaction((tx) => bus.write(tx, records)),
    async close() {
      await bus.close();
      await store.close();
    },
  };
}

/** Returns whether there was such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
