import pg from 'pg';

/** Stops the run's own servers, or drops the run's databases from the server that DATABASE_URL names. */
export default async function globalTeardown() {
  await globalThis.readmitTestKafka?.stop();
  await globalThis.readmitTestKeycloak?.stop();
  await globalThis.readmitTestPostgres?.stop();
  if (globalThis.readmitTestPostgres || !process.env.READMIT_TEST_OWNER_URL) return;
  const client = new pg.Client({ connectionString: process.env.READMIT_TEST_OWNER_URL });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT datname FROM pg_database WHERE datname LIKE $1', [
      `readmit_test_${process.env.READMIT_TEST_RUN}%`,
    ]);
    for (const { datname } of rows) {
      await client.query(`ALTER DATABASE ${pg.escapeIdentifier(datname)} IS_TEMPLATE false`);
      await client.query(`DROP DATABASE ${pg.escapeIdentifier(datname)} WITH (FORCE)`);
    }
  } finally {
    await client.end();
  }
}
