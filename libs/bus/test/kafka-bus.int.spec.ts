/** The bus on a real Apache Kafka passes the conformance suite of the bus. */
import { beforeAll } from '@jest/globals';
import { topicOf } from '@readmit/contracts';
import { testDatabase, emptyTopics, openKafkaBus, testBroker } from '@readmit/testing';
import pg from 'pg';
import { busConformance } from './conformance/bus-conformance.js';
import type { BusHarness } from './conformance/harness.js';

async function makeHarness(): Promise<BusHarness> {
  const connection = await testBroker();
  await emptyTopics(connection, [topicOf('intake')]);
  const database = await testDatabase();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query(
    'CREATE TABLE classification.spec_note (text text); GRANT SELECT, INSERT ON classification.spec_note TO readmit_classification',
  );
  await owner.end();
  const opened: Awaited<ReturnType<typeof openKafkaBus>>[] = [];
  return {
    open: async (service) => {
      const one = await openKafkaBus(database, service, { connection, sendTimeoutMs: 60_000 });
      opened.push(one);
      return {
        bus: one.bus,
        transaction: (work) => one.store.transaction(work),
        note: async (tx, text) => void (await tx.query('INSERT INTO spec_note VALUES ($1)', [text])),
        notes: async () => (await one.store.query<{ text: string }>('SELECT text FROM spec_note')).map(({ text }) => text),
        kill: one.kill,
      };
    },
    close: async () => {
      await Promise.all(opened.map(({ bus }) => bus.close()));
      await database.drop();
    },
  };
}

// Fetches the programs at the first time on a machine.
beforeAll(async () => void (await testBroker()), 240_000);

busConformance('kafka', makeHarness, { inTransaction: false });
