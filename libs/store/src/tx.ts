/**
 * A transaction under way, as the hot path uses it: parameterised statements on one connection, run in the order in which they are asked for.
 * Who has a Tx MUST NOT begin, commit or roll back.
 */
export interface Tx {
  /** Rows of the statement. `name`d statements are prepared once per connection. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}
