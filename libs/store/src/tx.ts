/**
 * A transaction under way, as the hot path uses it: one parameterised statement at a time on one connection.
 * It comes from TypeORM's query runner; who has a Tx MUST NOT begin, commit or roll back.
 */
export interface Tx {
  /** Rows of the statement. `name`d statements are prepared once per connection. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}
