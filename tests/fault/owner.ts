import { isTransientSqlError } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';

/** Queries the database as its owner, independently of the services, on one connection that is opened again if it was lost. */
export class Owner {
  private client: Promise<pg.Client> | undefined;
  private previous: Promise<unknown> = Promise.resolve();
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /**
   * Runs queries one at a time.
   * @throws the errors of `pg`, also while the database is down.
   */
  rows<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    const result = this.previous.then(() => this.query<Row>(sql, parameters));
    // The caller gets the error; the next query does not.
    this.previous = result.catch(() => undefined);
    return result;
  }
  private async query<Row extends object>(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    this.client ??= this.connect();
    try {
      return (await (await this.client).query<Row>(sql, [...parameters])).rows;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
  /** The same, but waits while the database is down. */
  async rowsWhenUp<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    return until(
      () =>
        this.rows<Row>(sql, parameters).catch((error: unknown) => {
          if (!isTransientSqlError(error)) throw error;
          return undefined;
        }),
      { what: 'the database is up' },
    );
  }
  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'witness' });
    // The current query, or the next one, fails with this error.
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
