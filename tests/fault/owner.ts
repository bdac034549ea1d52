import { isTransientSqlError } from '@readmit/store';
import { until } from '@readmit/testing';
import pg from 'pg';

/** Asks the database as its owner, beside the services, on one connection that is made anew when it was lost. */
export class Owner {
  private client: Promise<pg.Client> | undefined;
  private asking: Promise<unknown> = Promise.resolve();
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /**
   * One question after the other.
   * @throws as `pg` does, also while the database is away.
   */
  rows<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    const answer = this.asking.then(() => this.ask<Row>(sql, parameters));
    // The next one does not care how this one ended; whoever asked does.
    this.asking = answer.catch(() => undefined);
    return answer;
  }
  private async ask<Row extends object>(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    this.client ??= this.connect();
    try {
      return (await (await this.client).query<Row>(sql, [...parameters])).rows;
    } catch (error) {
      await this.close();
      throw error;
    }
  }
  /** The same; while the database is away, it waits. */
  async patientRows<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<readonly Row[]> {
    return until(
      () =>
        this.rows<Row>(sql, parameters).catch((error: unknown) => {
          if (!isTransientSqlError(error)) throw error;
          return undefined;
        }),
      { what: 'the database answers', timeoutMs: 60_000 },
    );
  }
  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'witness' });
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
