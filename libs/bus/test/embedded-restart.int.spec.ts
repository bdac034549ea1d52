/** The embedded bus outlives a restart of its database: readers and writers go on, nothing is lost, nothing comes twice. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { topicOf } from '@readmit/contracts';
import { isTransientSqlError, openStore, setup, type Store } from '@readmit/store';
import { startPostgres, type PostgresServer } from '@readmit/servers';
import { until } from '@readmit/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { collect, Received, textOf } from './conformance/collector.js';
import { EmbeddedBus } from '../src/embedded/embedded-bus.js';

describe('embedded bus and a database that restarts', () => {
  let folder: string;
  let server: PostgresServer;
  const stores: Store[] = [];
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  beforeAll(async () => {
    process.on('unhandledRejection', onUnhandled);
    folder = await mkdtemp(path.join(os.tmpdir(), 'readmit-restart-'));
    server = await startPostgres({ dataDir: folder });
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    process.off('unhandledRejection', onUnhandled);
  });

  it('R8.1 continues reading and writing after the restart, with each record once', async () => {
    const { urls } = await setup({ ownerUrl: server.url, secretsDir: path.join(folder, 'secrets'), database: 'readmit' });
    const open = async (service: 'intake' | 'approval', troubles: unknown[]) => {
      const store = await openStore({ url: urls[service], schema: service, applicationName: `spec ${service}`, poolSize: 3 });
      stores.push(store);
      return {
        store,
        bus: await EmbeddedBus.open({ service, store, leaseMs: 1_000, pollMs: 50, onTrouble: (error) => troubles.push(error) }),
      };
    };
    const troubles: unknown[] = [];
    const producer = await open('intake', []);
    const consumer = await open('approval', troubles);
    const say = (text: string): Promise<void> =>
      producer.store.transaction((tx) =>
        producer.bus.write(tx, [{ topic: topicOf('intake'), key: text, headers: {}, value: Buffer.from(text) }]),
      );
    const received = new Received();
    const subscription = await consumer.bus.subscribe({ group: 'approval.spec', topics: [topicOf('intake')], member: 'a' });
    const ended = collect({
      subscription,
      transaction: (work) => consumer.store.transaction(work),
      onBatch: (records) => received.add('a', records),
    });

    await say('before');
    await received.until(() => received.texts.includes('before'), 'the record before the restart is received');
    await server.stop();
    await until(() => troubles.length > 1, { what: 'the reader has noticed twice that the database is away' });
    const refused = await say('meanwhile').catch((error: unknown) => error);
    expect(isTransientSqlError(refused)).toBe(true);
    server = await startPostgres({ dataDir: folder, port: server.port });
    await until(
      () =>
        say('after').then(
          () => true,
          () => false,
        ),
      { what: 'the producer can write again' },
    );
    await received.until(() => received.texts.includes('after'), 'the record after the restart is received');

    await subscription.close();
    expect(await ended).toBeUndefined();
    expect(received.of('a').map(textOf)).toEqual(['before', 'after']);
    expect(troubles.every(isTransientSqlError)).toBe(true);
    await Promise.all([producer.bus.close(), consumer.bus.close()]);
    expect(unhandled).toEqual([]);
  });
});
