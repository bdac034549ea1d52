import { EmbeddedBus, type Bus, type OutgoingRecord } from '@readmit/bus';
import { services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, isTransientSqlError, openStore, roleOf, schemaOf, tablesOfTopic, type Store } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';
import { shuffled } from './random.js';
import type { World } from './recoveries.js';

/** The injector's own name in pg_stat_activity, which it spares. */
const ourName = 'fault injector';

/** The faults that are no death of a service at a point: each gives how many of the thing were hit, 0 when it could not be done just then. */
export class Faults {
  private readonly world: World;
  private readonly producers = new Map<ServiceName, { readonly store: Store; readonly bus: Bus }>();

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
    const topic = topicOf(service);
    const { log } = tablesOfTopic(topic);
    const most = 1 + Math.floor(random() * 30);
    const skip = String(random());
    const found = await this.asOwnerRows<{ key: string; headers: Record<string, string>; value: Buffer }>(
      `SELECT key, headers, value FROM ${busSchema}.${log} ORDER BY md5(partition || ' ' || "offset" || $2) LIMIT $1`,
      [most, skip],
    );
    const records = shuffled(found, random).map((row): OutgoingRecord => ({ topic, ...row }));
    if (records.length === 0) return 0;
    try {
      const { store, bus } = await this.producerOf(service);
      await store.transaction((tx) => bus.write(tx, records));
      return records.length;
    } catch (error) {
      if (!isTransientSqlError(error)) throw error;
      return 0;
    }
  }

  /** The server dies (SIGKILL) or is stopped at once (SIGINT: a fast shutdown); the launcher starts it again. */
  async restartDatabase(how: 'SIGKILL' | 'SIGINT'): Promise<number> {
    const { system } = this.world;
    const pid = system.pidOf('database');
    if (!pid) return 0;
    process.kill(pid, how);
    await until(() => system.pidOf('database') !== pid, { what: 'the database runs again', timeoutMs: 60_000 });
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
    const pid = this.world.system.pidOf(service);
    return pid && signal(pid, 'SIGKILL') ? 1 : 0;
  }

  async close(): Promise<void> {
    for (const { store, bus } of this.producers.values()) {
      await bus.close();
      await store.close();
    }
  }

  private async producerOf(service: ServiceName): Promise<{ readonly store: Store; readonly bus: Bus }> {
    const known = this.producers.get(service);
    if (known) return known;
    const store = await openStore({
      url: this.world.system.databaseUrls[service],
      schema: schemaOf(service),
      applicationName: ourName,
      poolSize: 1,
    });
    const made = { store, bus: await EmbeddedBus.open({ store, service }) };
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

/** Whether there was such a process. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
