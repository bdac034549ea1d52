/** For specs of migrations: the owner of a new database in one schema, and what a migration runs on there. */
import { afterAll, beforeAll } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@readmit/testing';
import pg from 'pg';
import type { QueryRunner } from 'typeorm';

export let owner: pg.Client;
export let runner: QueryRunner;

/** Made before the tests of the file, and gone after them. */
export function asOwnerOf(schema: string): void {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query(`SET search_path = ${schema}`);
    runner = { query: (sql: string) => owner.query(sql) } as unknown as QueryRunner;
  });
  afterAll(async () => {
    await owner.end();
    await database.drop();
  });
}
