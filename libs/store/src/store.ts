import { createHash } from 'node:crypto';
import type pg from 'pg';
import { DataSource, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { securedDatabaseUrl } from './database-url.js';
import { listenOn, type Listening } from './listener.js';
import { sqlStateOf } from './sql-errors.js';
import type { Tx } from './tx.js';

const defaultPoolSize = 8;
/** Of one process of a service: its pool, and the connection that listens for hints. */
export const connectionsPerProcess = defaultPoolSize + 1;

export interface StoreOptions {
  /** Of the service's own role. Secret: it holds the password. */
  readonly url: string;
  /** The only schema on the search path. */
  readonly schema: string;
  /** What the database shows of us in pg_stat_activity. */
  readonly applicationName: string;
  /** Connections at most; default 8. `readmit setup` limits the role to what its processes need. */
  readonly poolSize?: number;
  /** Milliseconds after which the database ends a statement; default 30 000. */
  readonly statementTimeoutMs?: number;
  /** Milliseconds after which the database ends a transaction that does nothing: it holds locks and back vacuum; default 30 000. */
  readonly idleInTransactionTimeoutMs?: number;
}

/** Costs that do not depend on the machine, asserted by tests/cost. BEGIN and COMMIT do not count as statements. */
export interface StoreCounters {
  statements: number;
  commits: number;
  rollbacks: number;
}

/** One schema of the database, with the rights of one service. */
export interface Store {
  readonly schema: string;
  readonly counters: StoreCounters;
  /**
   * Runs the work in one READ COMMITTED transaction on one connection and commits when it resolves. Rolls back when it throws,
   * and also when a statement of it had failed and the caller continued: PostgreSQL would answer such a COMMIT with a quiet ROLLBACK.
   *
   * Statements are sent when they are asked for, in that order, without waiting for those before: who does not need an answer for the next
   * statement asks for both at once and saves a round trip. `eager` sends even the first ones before BEGIN is answered. Should BEGIN alone
   * fail, those have run by themselves, so they MUST do no harm then; what is asked for after the first answer is safe.
   */
  transaction<R>(work: (tx: Tx) => Promise<R>, options?: { readonly eager?: boolean }): Promise<R>;
  /** One statement outside of a transaction. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /**
   * LISTENs on a connection of its own, reconnecting forever. `onNotify` also runs with `''` after each reconnection, because
   * what was notified meanwhile is lost: a notification is a hint, never the truth.
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<Listening>;
  close(): Promise<void>;
}

/** Connects once, so that a wrong URL fails here and not at the first message. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const settings: Record<string, string> = {
    search_path: options.schema,
    statement_timeout: String(options.statementTimeoutMs ?? 30_000),
    idle_in_transaction_session_timeout: String(options.idleInTransactionTimeoutMs ?? 30_000),
    // Read as one start-up setting instead of one more round trip per transaction.
    default_transaction_isolation: 'read\\ committed',
    timezone: 'UTC',
    // our LIMITs cut a prefix of what an index gives; parallel workers would mix it.
    max_parallel_workers_per_gather: '0',
    // Each of our statements finds its rows by an index, one after the other. What a young table's statistics make the planner believe must
    // not make it read the whole of one that has grown since; and compiling a plan costs more than any of our statements takes.
    enable_seqscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
    jit: 'off',
  };
  const dataSource = new DataSource({
    type: 'postgres',
    url: securedDatabaseUrl(options.url),
    schema: options.schema,
    applicationName: options.applicationName,
    poolSize: options.poolSize ?? defaultPoolSize,
    // As long as a statement may take: a machine that is busy with the start of many programs answers late.
    connectTimeoutMS: 30_000,
    installExtensions: false,
    synchronize: false,
    logging: false,
    entities: [],
    // An idle connection that the server closed concerns nobody: the pool has dropped it, and the next statement reconnects.
    poolErrorHandler: () => {},
    extra: {
      // Statements that do not wait for each other travel together (node-postgres: pipeline).
      pipeline: true,
      options: Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    },
  });
  await dataSource.initialize();
  // A connection that ends in the instant in which it is lent has no listener yet, and would end the process. Its statements say so themselves.
  const { master } = dataSource.driver as unknown as { readonly master: pg.Pool };
  master.on('connect', (client) => client.on('error', () => undefined));
  return new TypeOrmStore(dataSource, options);
}

class TypeOrmStore implements Store {
  readonly counters: StoreCounters = { statements: 0, commits: 0, rollbacks: 0 };
  readonly schema: string;
  private readonly listeners = new Set<Listening>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly options: StoreOptions,
  ) {
    this.schema = options.schema;
  }

  /** BEGIN and COMMIT go to the driver and not through TypeORM's runner, which would wait several turns before it sends them. */
  async transaction<R>(work: (tx: Tx) => Promise<R>, { eager = false }: { readonly eager?: boolean } = {}): Promise<R> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as pg.PoolClient;
      const tx = new OpenTx(client, this.counters);
      try {
        if (!eager) await tx.begun;
        const result = await work(tx);
        await tx.begun;
        if (tx.failure) {
          throw new Error('a statement of this transaction failed and the caller continued: everything was rolled back', {
            cause: tx.failure,
          });
        }
        tx.over = true;
        await send(client, 'COMMIT', undefined);
        this.counters.commits++;
        return result;
      } catch (error) {
        tx.over = true;
        this.counters.rollbacks++;
        await rollBack(client);
        throw unwrap(error);
      }
    } finally {
      await runner.release();
    }
  }

  async query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      this.counters.statements++;
      return await send<Row>((await runner.connect()) as pg.PoolClient, sql, parameters);
    } finally {
      await runner.release();
    }
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<Listening> {
    const listening = await listenOn({
      url: securedDatabaseUrl(this.options.url),
      applicationName: `${this.options.applicationName} listen`,
      channel,
      onNotify,
    });
    const owned = {
      close: async () => {
        this.listeners.delete(owned);
        await listening.close();
      },
    };
    this.listeners.add(owned);
    return owned;
  }

  async close(): Promise<void> {
    await Promise.all([...this.listeners].map((listening) => listening.close()));
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

/** A transaction on a connection that TypeORM's pool lends. */
class OpenTx implements Tx {
  failure: Error | undefined;
  over = false;
  /** BEGIN has been answered. */
  readonly begun: Promise<unknown>;

  constructor(
    readonly client: pg.PoolClient,
    private readonly counters: StoreCounters,
  ) {
    this.begun = send(client, 'BEGIN', undefined);
    this.begun.catch((error: unknown) => (this.failure ??= error as Error));
  }

  async query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]> {
    if (this.over) throw new Error('this is a bug: a statement after the end of its transaction');
    this.counters.statements++;
    try {
      const rows = await send<Row>(this.client, sql, parameters);
      await this.begun;
      return rows;
    } catch (error) {
      this.failure ??= error as Error;
      // What was sent behind a statement that failed is refused for that alone. A caller that waits for several gets one of the refusals, and
      // which one is chance: all of them are told the cause, by which a caller tells a poison message from an outage.
      throw sqlStateOf(error) === refusedForFailure ? this.failure : error;
    }
  }
}
/** in_failed_sql_transaction */
const refusedForFailure = '25P02';

/** A connection that cannot even roll back is closed, so that the pool never lends it with a transaction open. */
async function rollBack(client: pg.PoolClient): Promise<void> {
  try {
    await send(client, 'ROLLBACK', undefined);
  } catch {
    // The cause that the caller gets is the first error; the database rolls back what it lost the client of.
    await client.end().catch(() => undefined);
  }
}

const names = new Map<string, string>();
const mostNames = 1_000;

/**
 * A statement with parameters is prepared once per connection under a name made of its text. Texts beyond the first thousand
 * are sent unnamed: somebody builds them, and every name costs memory on every connection.
 */
function nameOf(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined) return known;
  if (names.size >= mostNames) return undefined;
  const name = `s_${createHash('sha256').update(sql).digest('hex').slice(0, 24)}`;
  names.set(sql, name);
  return name;
}

interface Corked {
  readonly connection?: { readonly stream?: { cork?(): void; uncork?(): void } };
}

/** What the same turn of the event loop sends goes out in one write: waking the other side costs more than most statements. */
function corkForThisTurn(client: pg.PoolClient): void {
  const stream = (client as unknown as Corked).connection?.stream;
  if (!stream?.cork || !stream.uncork) return;
  stream.cork();
  process.nextTick(() => stream.uncork?.());
}

async function send<Row>(client: pg.PoolClient, sql: string, parameters: readonly unknown[] | undefined): Promise<Row[]> {
  corkForThisTurn(client);
  if (parameters === undefined) return (await client.query(sql)).rows as Row[];
  const name = nameOf(sql);
  const result = await client.query({ text: sql, values: parameters as unknown[], ...(name !== undefined && { name }) });
  return result.rows as Row[];
}

/** What the driver said, instead of TypeORM's wrapper that repeats statement and parameters. */
function unwrap(error: unknown): unknown {
  if (error instanceof QueryRunnerAlreadyReleasedError) return new Error('Connection terminated during the transaction', { cause: error });
  return (error as { driverError?: unknown } | undefined)?.driverError ?? error;
}
