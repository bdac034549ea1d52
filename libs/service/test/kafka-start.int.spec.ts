/**
 * A service that is started by its configuration on a real Kafka, as its own user: with a database that is older than its topic it does not
 * start and says so. What counts as older is proved in libs/runtime.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeServiceKeys, makeSigningKey, signKeyList } from '@readmit/signing';
import { setUpKafka } from '@readmit/bus';
import type { KafkaCredentials } from '@readmit/servers';
import { servicePrincipal } from '@readmit/contracts';
import { testDatabase, until, type TestDatabase } from '@readmit/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runService, serviceApp, startService, type BuildContext, type Host } from '../src/index.js';
import { startIssuer, type TestIssuer } from './issuer.js';
import { schedulerControllers } from './scheduler.js';

const service = 'revocation-scheduler';
let folder: string;
let issuer: TestIssuer;
let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  const answer = await fetch(`${process.env['READMIT_TEST_KAFKA']}/${process.env['JEST_WORKER_ID']}`);
  if (!answer.ok) throw new Error(await answer.text());
  const { brokers, sasl } = (await answer.json()) as {
    readonly brokers: readonly string[];
    readonly sasl: Readonly<Record<string, KafkaCredentials>>;
  };
  const [admin, own] = [sasl['admin'], sasl[servicePrincipal(service)]];
  if (!admin || !own) throw new Error('the test broker lacks a user');
  const topology = { providers: [], siems: [], replication: 1, minInSync: 1 };
  await setUpKafka({ connection: { brokers, sasl: admin }, topology, apply: true });
  folder = mkdtempSync(path.join(tmpdir(), 'service-kafka-'));
  issuer = await startIssuer();
  database = await testDatabase();
  const root = makeSigningKey();
  const { keys, list } = makeServiceKeys(new Date(Date.now() - 60_000));
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  env = {
    READMIT_ENVIRONMENT: 'test',
    DATABASE_URL: database.urls[service],
    READMIT_SERVICE_KEY_FILE: file('key.jwk', JSON.stringify(keys[service])),
    READMIT_KEY_LIST_FILE: file('list.jws', await signKeyList(list, root.private)),
    READMIT_ROOT_KEY: root.public.x,
    READMIT_ISSUER: issuer.url,
    READMIT_PUBLIC_URL: 'https://readmit.example.com',
    PORT: '0',
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_SASL_MECHANISM: own.mechanism,
    KAFKA_SASL_USERNAME: own.username,
    KAFKA_SASL_PASSWORD_FILE: file('kafka.password', own.password),
  };
}, 240_000);
afterAll(async () => {
  await issuer.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const app = serviceApp({
  name: service,
  area: 'revocation',
  settings: {},
  build: async ({ commands }: BuildContext) => ({
    definition: { name: service, consumes: [], react: () => ({ emit: [] }), work: {}, wakes: 'timer' },
    controllers: schedulerControllers(commands as never),
  }),
});
const start = async (more: Record<string, string> = {}, lines: string[] = []) =>
  startService(app, { ...env, ...more }, { writeLog: (line) => void lines.push(line) });

describe('a service on Kafka', () => {
  it('R8.1 does not start with a database that is older than its topic, and says so; with its own it does', async () => {
    const running = await start();
    await running.engine.refuse(
      { key: 'case_1', name: 'endEarly', actor: 'ada' },
      { ...{ refused: true, as: 'conflict', rule: 'R6.4', reason: 'ended-already' }, message: 'The case was ended before.' },
    );
    const store = await database.store(service);
    const waiting = async () => (await store.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox_unsent'))[0]?.n;
    await until(async () => (await waiting()) === 0, { what: 'the event is sent' });
    await running.stop();

    const backup = await testDatabase();
    try {
      const lines: string[] = [];
      await expect(start({ DATABASE_URL: backup.urls[service] }, lines)).rejects.toThrow(
        'the topic of revocation-scheduler has an event that its database does not have: readmit.revocation-scheduler.refused',
      );
      expect(lines.join('')).toMatch(/"level":"fatal".*The database was restored from a backup older than that/);
    } finally {
      await backup.drop();
    }
    await (await start()).stop();
  });

  it('R8.1 obeys a signal while its start waits for brokers that are away', async () => {
    const lines: string[] = [];
    const exits: number[] = [];
    const listeners = new Map<string, () => void>();
    const host: Host = {
      once: (signal, listener) => listeners.set(signal, listener),
      removeListener: (signal) => listeners.delete(signal),
      exit: (code) => void exits.push(code),
      stderr: { write: () => true },
    };
    const run = runService(app, { ...env, KAFKA_BROKERS: '127.0.0.1:1' }, { host, writeLog: (line) => void lines.push(line) });
    await until(() => lines.some((line) => line.includes('waiting to start: cannot read own topic on Kafka')), {
      what: 'the start says that it waits',
    });
    listeners.get('SIGTERM')?.();
    await run;
    expect(exits).toEqual([0]);
    expect(lines.join('')).not.toContain('"level":"fatal"');
  });
});
