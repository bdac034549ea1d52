import type pg from 'pg';
import { DataSource, MigrationExecutor, type MigrationInterface } from 'typeorm';
import { migrationsOf, type RegisteredMigration } from './migrations/registry.js';
import { schemaOf, type SchemaOwner } from './schemas.js';

/** TypeORM keeps its account of what ran here, in each schema; no service role may read it. */
export const migrationTable = 'migration';

/** TypeORM orders migrations by a time-stamp that ends their name; ours is made of the registered order. */
const nameOf = ({ migration, order }: RegisteredMigration): string => `${migration.name}${1_700_000_000_000 + order}`;
function named(registered: RegisteredMigration): new () => MigrationInterface {
  const { migration } = registered;
  const name = nameOf(registered);
  return class extends migration {
    override readonly name = name;
  };
}

/**
 * Applies the pending migrations to one schema, one transaction each, and returns their names. The caller MUST hold the set-up
 * lock: TypeORM takes none, so two concurrent runs would apply the same migration twice.
 */
export async function migrate(ownerUrl: string, target: SchemaOwner): Promise<readonly string[]> {
  const schema = schemaOf(target);
  const dataSource = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    schema,
    applicationName: 'readmit setup',
    poolSize: 1,
    installExtensions: false,
    synchronize: false,
    logging: false,
    migrationsTableName: migrationTable,
    migrationsTransactionMode: 'each',
    migrations: migrationsOf(target).map(named),
    extra: { options: `-c search_path=${schema} -c lock_timeout=60000 -c timezone=UTC` },
  });
  await dataSource.initialize();
  try {
    const runner = dataSource.createQueryRunner();
    try {
      return (await new MigrationExecutor(dataSource, runner).executePendingMigrations()).map(({ name }) => name);
    } finally {
      await runner.release();
    }
  } finally {
    await dataSource.destroy();
  }
}

/** Names of the migrations that `migrate` would apply. `client`: in our database; undefined while there is none. */
export async function pendingIn(client: pg.Client | undefined, target: SchemaOwner): Promise<readonly string[]> {
  const done = client ? await appliedIn(client, `${schemaOf(target)}.${migrationTable}`) : new Set<string>();
  return migrationsOf(target)
    .filter((one) => !done.has(nameOf(one)))
    .map(({ migration }) => migration.name);
}

async function appliedIn(client: pg.Client, account: string): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [account]);
  if (!rows[0]?.found) return new Set();
  return new Set((await client.query<{ name: string }>(`SELECT name FROM ${account}`)).rows.map(({ name }) => name));
}
