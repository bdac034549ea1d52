import pg from 'pg';
import { migrationTable } from './migrate.js';
import { setupTurnTable } from './setup-turn.js';

/**
 * A schema with one of our names that somebody else created is not taken over: set-up would add its tables to theirs and take every other
 * role's rights away. Ours has our account of migrations, or is the owner's and still empty, because a set-up was cut short.
 * @throws {Error} there is a foreign one; nothing was changed.
 */
export async function assertNoForeignSchema(ownerUrl: string, schemas: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'readmit setup' });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT nspname AS schema, pg_get_userbyid(nspowner) AS owner, current_database() AS database FROM pg_namespace n
       WHERE nspname = ANY ($1) AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = $2)
         AND (pg_get_userbyid(nspowner) <> current_user
           OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relname <> $3))
       ORDER BY nspname`,
      [schemas, migrationTable, setupTurnTable],
    );
    const foreign = rows as { readonly schema: string; readonly owner: string; readonly database: string }[];
    if (foreign.length === 0) return;
    const named = foreign.map(({ schema, owner }) => `${schema} (of ${owner})`).join(', ');
    throw new Error(
      `the database ${foreign[0]?.database ?? ''} has schemas that Readmit did not make: ${named}. Give Readmit a database of its own, or rename them`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
