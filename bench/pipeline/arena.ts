/**
 * Where programs play: one durable PostgreSQL and, when topics lie there, one Kafka; for each slice a fresh database and fresh topics; a process for
 * each program; and the check of what they left.
 */
import { services } from '@readmit/contracts';
import { busSchema, schemaOf, setup } from '@readmit/store';
import { startPostgres, type PostgresServer } from '@readmit/servers';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import pg from 'pg';
import { endPostgres, startFolder, Started } from '../started.js';
import { wantedOf, wrongIn } from './check.js';
import { KafkaArena } from './kafka-arena.js';
import type { Load, Measured, Place } from './load.js';
import type { Answer, Order } from './program.js';
import type { Script } from './script.js';

export interface Slice {
  readonly program: string;
  readonly load: Load;
  readonly measured: Measured | undefined;
  /** Why it scores nothing. */
  readonly failed: string | undefined;
  /** Rows inserted, updated and deleted a case, over all tables. */
  readonly rows: { readonly inserted: number; readonly updated: number; readonly deleted: number };
  /** Records that lay on a topic once more, because they were sent again. */
  readonly repeated: number;
}

export type BusKind = 'embedded' | 'kafka';

export class Arena {
  private readonly started: Started;
  private readonly server: PostgresServer;
  private readonly kafka: KafkaArena | undefined;
  private readonly children = new Map<string, ChildProcess>();
  private databases = 0;
  /** Flags of node for the programs, in addition to those that all have. */
  flags: readonly string[] = [];
  script: Script | undefined;

  private constructor(started: Started, server: PostgresServer, kafka: KafkaArena | undefined) {
    this.started = started;
    this.server = server;
    this.kafka = kafka;
  }

  /** `statements`: the server counts what each statement costs (pg_stat_statements). */
  static async open({ bus, statements = false }: { readonly bus: BusKind; readonly statements?: boolean }): Promise<Arena> {
    const started = new Started();
    try {
      const folder = await startFolder(started);
      const server = await started.start(() => openPostgres(path.join(folder, 'postgres'), statements), endPostgres);
      const kafka =
        bus === 'kafka'
          ? await started.start(
              () => KafkaArena.open(path.join(folder, 'kafka')),
              (made) => made.close(),
            )
          : undefined;
      return await started.start(
        () => Promise.resolve(new Arena(started, server, kafka)),
        (made) => made.dismiss(),
      );
    } catch (error) {
      await started.end();
      throw error;
    }
  }

  /** Ends the processes of the programs; a profile is written then. */
  async dismiss(): Promise<void> {
    await Promise.all(
      [...this.children.values()].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        if (child.connected) child.disconnect();
        await gone;
      }),
    );
    this.children.clear();
  }

  close(): Promise<void> {
    return this.started.end();
  }

  /** A database of its own, gone afterwards. */
  async withDatabase<R>(work: (place: Omit<Place, 'script'>) => Promise<R>): Promise<R> {
    const database = `slice_${++this.databases}`;
    const owner = new pg.Client({ connectionString: this.server.url });
    await owner.connect();
    try {
      const secretsDir = path.join(this.server.dataDir, 'secrets');
      const { urls, ownerUrl } = await setup({ ownerUrl: this.server.url, secretsDir, database });
      // What earlier slices left to be written is no cost of this one.
      await owner.query('CHECKPOINT');
      return await work({ urls, ownerUrl, databasePid: this.server.pid });
    } finally {
      await owner.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
      await owner.end();
    }
  }

  /** `look` sees the database before it goes. */
  async slice(program: string, load: Load, look?: (client: pg.Client) => Promise<void>): Promise<Slice> {
    return this.withDatabase(async (place) => {
      const kafka = await this.kafka?.fresh();
      const answer = await this.ask(program, { place: { ...place, script: this.script, ...(kafka ? { kafka } : {}) }, load });
      const none = { inserted: 0, updated: 0, deleted: 0 };
      if ('failed' in answer) return { program, load, measured: undefined, failed: answer.failed, rows: none, repeated: 0 };
      const client = new pg.Client({ connectionString: place.ownerUrl });
      await client.connect();
      try {
        await look?.(client);
        const rows = await rowsOf(client, load.cases);
        const home = await this.kafka?.bringHome(client, program !== 'stock');
        const failed = home?.failed ?? (await wrongIn(client, load.cases, wantedOf(program, this.script)));
        return { program, load, measured: answer.measured, failed, rows, repeated: home?.repeated ?? 0 };
      } finally {
        await client.end();
      }
    });
  }

  private ask(program: string, order: Order): Promise<Answer> {
    const child = this.child(program);
    return new Promise((resolve) => {
      const gone = (code: number | null): void => resolve({ failed: `the process of ${program} ended with ${code}` });
      child.once('exit', gone);
      child.once('message', (answer) => {
        child.removeListener('exit', gone);
        resolve(answer as Answer);
      });
      child.send(order);
    });
  }

  private child(program: string): ChildProcess {
    const known = this.children.get(program);
    if (known?.connected) return known;
    const child = fork(path.resolve(import.meta.dirname, '../../tools/bench.mjs'), ['pipeline/program', program], {
      // The same for every program: pauses of the garbage collector are compared, not settings.
      execArgv: ['--max-semi-space-size=32', ...this.flags],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.children.set(program, child);
    return child;
  }
}

async function openPostgres(dataDir: string, statements: boolean): Promise<PostgresServer> {
  const server = await startPostgres({ dataDir });
  if (!statements) return server;
  const owner = new pg.Client({ connectionString: server.url });
  await owner.connect();
  await owner.query(`ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`);
  await owner.query(`ALTER SYSTEM SET pg_stat_statements.track = 'all'`);
  await owner.end();
  await server.stop();
  return startPostgres({ dataDir });
}

async function rowsOf(client: pg.Client, cases: number): Promise<Slice['rows']> {
  const { rows } = await client.query<{ inserted: string; updated: string; deleted: string }>(
    `SELECT sum(n_tup_ins) AS inserted, sum(n_tup_upd) AS updated, sum(n_tup_del) AS deleted FROM pg_stat_user_tables WHERE schemaname = ANY ($1)`,
    [[busSchema, ...services.map(schemaOf)]],
  );
  const [row] = rows;
  return { inserted: Number(row?.inserted) / cases, updated: Number(row?.updated) / cases, deleted: Number(row?.deleted) / cases };
}
