import pg from 'pg';
import { busSchema } from './schemas.js';
import { sqlStateOf } from './sql-errors.js';

/** One row, in schema `bus`: locked by the set-up that is under way. */
export const setupTurnTable = 'setup_turn';

export interface SetupTurn {
  /** In words, what was not there before. */
  readonly changes: readonly string[];
  /** Lets the next set-up begin. */
  end(): Promise<void>;
}

/**
 * Waits until no other set-up of the database is under way, and holds the next one back. By a row that only the database's owner may reach:
 * an advisory lock could be held by any role, and then nobody could set up or upgrade. On a connection of its own, because what is set up is
 * committed step by step.
 */
export async function takeSetupTurn(ownerUrl: string): Promise<SetupTurn> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'readmit setup turn' });
  await client.connect();
  try {
    const changes: string[] = [];
    if (await created(client, `CREATE SCHEMA ${busSchema}`)) changes.push(`created the schema ${busSchema}`);
    await created(
      client,
      `CREATE TABLE ${busSchema}.${setupTurnTable} (one boolean PRIMARY KEY DEFAULT true, CONSTRAINT there_is_one CHECK (one))`,
    );
    await client.query(`INSERT INTO ${busSchema}.${setupTurnTable} DEFAULT VALUES ON CONFLICT DO NOTHING`);
    await client.query('SET idle_in_transaction_session_timeout = 0');
    await client.query('BEGIN');
    await client.query(`SELECT FROM ${busSchema}.${setupTurnTable} FOR UPDATE`);
    // Ends the session, and the lock with it.
    return { changes, end: () => client.end() };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** Whether it is new. IF NOT EXISTS would not help: two at once fail at a unique index of the catalog. */
async function created(client: pg.Client, statement: string): Promise<boolean> {
  try {
    await client.query(statement);
    return true;
  } catch (error) {
    if (['42P06', '42P07', '42710', '23505'].includes(sqlStateOf(error) ?? '')) return false;
    throw error;
  }
}
