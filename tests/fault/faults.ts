import { EmbeddedBus, KafkaTopics, type OutgoingRecord } from '@readmit/bus';
import { servicePrincipal, services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, isTransientSqlError, openStore, roleOf, schemaOf, tablesOfTopic } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import { shuffled } from './random.js';
import type { World } from './recoveries.js';
import { allPlaces, isAway } from './topics.js';

/** The injector's own name in pg_stat_activity, which it spares. */
const ourName = 'fault injector';

/** Says old words once more, with the service's own rights. */
interface Producer {
  send(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** The faults that are no death of a service at a point: each gives how many of the thing were hit, 0 when it could not be done just then. */
export class Faults {
  private readonly world: World;
  private readonly producers = new Map<ServiceName, Producer>();
  private reader: KafkaTopics | undefined;

  constructor(world: World) {
    this.world = world;
  }

  /** All backends of one service, or any one of anybody: what is under way ends with an error, or with an outcome that nobody learns. */
  async terminateBackends(service: ServiceName | undefined, random: () => number): Promise<number> {
    return this.asOwner(async (client) => {
      const { rows } = await client.query(
        `SELECT pg_terminate_backend(pid) FROM (
           SELECT pid FROM pg_stat_activity WHERE usename = ANY ($1) AND application_name <> $2 ORDER BY (state <> 'idle') DESC, md5(pid::text || $4) LIMIT $3
         ) chosen`,
        [service ? [roleOf(service)] : services.map(roleOf), ourName, service ? 100 : 1, String(random())],
      );
      return rows.length;
    });
  }

  /** Old records of one topic once more, newest offsets, in an order of their own: within a key and across keys nothing is as it was. */
  async repeatRecords(service: ServiceName, random: () => number): Promise<number> {
    const most = 1 + Math.floor(random() * 30);
    try {
      const records = shuffled(await this.oldRecords(topicOf(service), most, random), random);
      if (records.length > 0) await (await this.producerOf(service)).send(records);
      return records.length;
    } catch (error) {
      if (!isAway(error)) throw error;
      return 0;
    }
  }
  private async oldRecords(topic: string, most: number, random: () => number): Promise<readonly OutgoingRecord[]> {
    const { kafka } = this.world.system;
    if (!kafka) {
      const found = await this.asOwnerRows<{ key: string; headers: Record<string, string>; value: Buffer }>(
        `SELECT key, headers, value FROM ${busSchema}.${tablesOfTopic(topic).log} ORDER BY md5(partition || ' ' || "offset" || $2) LIMIT $1`,
        [most, String(random())],
      );
      return found.map((row) => ({ topic, ...row }));
    }
    // A service may not read its own topic.
    this.reader ??= new KafkaTopics(kafka.connectionOf('admin'), ourName);
    const places = allPlaces().filter((place) => place.topic === topic);
    const ends = await this.reader.ends(places);
    const records: OutgoingRecord[] = [];
    for (const [at, { partition }] of places.entries()) {
      const from = BigInt(Math.floor(random() * Number(ends[at] ?? 0n)));
      const found = await this.reader.read(topic, partition, from, Math.ceil(most / places.length));
      records.push(...found.map(({ key, headers, value }) => ({ topic, key, headers, value })));
    }
    return records.slice(0, most);
  }

  /** The server dies (SIGKILL) or is stopped at once (SIGINT: a fast shutdown); the launcher starts it again. */
  restartDatabase(how: 'SIGKILL' | 'SIGINT'): Promise<number> {
    return this.restart('database', how);
  }
  /** The broker dies (SIGKILL) or leaves in order (SIGTERM); the launcher starts it again. */
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

  /** The process stands still as a machine that swaps does, longer than its leases or not; then it goes on with what it believed. */
  async pause(service: ServiceName, milliseconds: number): Promise<number> {
    const pid = this.world.system.pidOf(service);
    if (!pid || !signal(pid, 'SIGSTOP')) return 0;
    const resumeAt = performance.now() + milliseconds;
    await until(() => performance.now() >= resumeAt, { what: 'the pause is over', timeoutMs: milliseconds + 10_000 });
    signal(pid, 'SIGCONT');
    return 1;
  }

  /** Killed wherever it is. */
  kill(service: ServiceName): number {
    return this.tell(service, 'SIGKILL');
  }
  /** Asked to stop. */
  drain(service: ServiceName): number {
    return this.tell(service, 'SIGTERM');
  }
  /** Whether its process is there: one that was started again counts from when it is ready. */
  lives(service: ServiceName): boolean {
    return this.tell(service, 0) > 0;
  }
  private tell(service: ServiceName, what: NodeJS.Signals | 0): number {
    const pid = this.world.system.pidOf(service);
    return pid && signal(pid, what) ? 1 : 0;
  }

  async close(): Promise<void> {
    for (const producer of this.producers.values()) await producer.close();
    await this.reader?.close();
  }

  private async producerOf(service: ServiceName): Promise<Producer> {
    const known = this.producers.get(service);
    if (known) return known;
    const { kafka, databaseUrls } = this.world.system;
    const made = kafka
      ? new KafkaTopics(kafka.connectionOf(servicePrincipal(service)), ourName)
      : await embeddedProducer(service, databaseUrls[service]);
    this.producers.set(service, made);
    return made;
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
    const client = new pg.Client({ connectionString: this.world.system.ownerUrl, application_name: ourName });
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
  const store = await openStore({ url, schema: schemaOf(service), applicationName: ourName, poolSize: 1 });
  const bus = await EmbeddedBus.open({ store, service });
  return {
    send: (records) => store.transaction((tx) => bus.write(tx, records)),
    async close() {
      await bus.close();
      await store.close();
    },
  };
}

/** Whether there was such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
