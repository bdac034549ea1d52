/** The whole intake service on its own database, with an issuer, and with providers' topics if a spec passes them. */
import { createEngine } from '@readmit/runtime';
import { EmbeddedBus, type Bus } from '@readmit/bus';
import { KeyRing, makeServiceKeys, Signer } from '@readmit/signing';
import type { Store } from '@readmit/store';
import { topicOf, type EventType } from '@readmit/contracts';
import { startService, type Backing, type RunningService } from '@readmit/service';
import { testDatabase, type TestDatabase } from '@readmit/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { intakeApp } from '../src/index.js';
import { ProviderTopics, withProviderTopics } from './provider-topics.js';

export interface Emitted {
  readonly type: EventType;
  readonly key: string;
  readonly data: Readonly<Record<string, unknown>>;
}
export interface RunningIntake {
  readonly topics: ProviderTopics;
  readonly url: string;
  /** Makes every transaction fail as if the database were down. */
  set outage(down: boolean);
  readonly logged: string[];
  token(claims: { readonly client_id?: string; readonly teams?: readonly string[]; readonly sub?: string }): Promise<string>;
  /** Events of these types that intake emitted on the embedded bus. */
  emitted(...types: readonly EventType[]): Promise<readonly Emitted[]>;
  /** Stops the service and starts it again on the same database and topics. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** The embedded bus, the embedded bus plus `topics` as on Kafka, or the spec's own bus. */
export type IntakeBus = 'embedded' | 'with-topics' | ((store: Store) => Promise<Bus>);

export async function startIntake(env: Readonly<Record<string, string>> = {}, bus: IntakeBus = 'with-topics'): Promise<RunningIntake> {
  const folder = await mkdtemp(path.join(tmpdir(), 'intake-spec-'));
  const database = await testDatabase();
  const issuer = await startIssuer();
  const { keys, list } = makeServiceKeys(new Date(Date.now() - 60_000));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  const all = {
    READMIT_ENVIRONMENT: 'spec',
    DATABASE_URL: database.urls.intake,
    READMIT_SERVICE_KEY_FILE: await file('key.jwk', JSON.stringify(keys.intake)),
    READMIT_KEY_LIST_FILE: await file('list.jws', 'read by the real backing alone'),
    READMIT_ROOT_KEY: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    READMIT_ISSUER: issuer.url,
    READMIT_PUBLIC_URL: 'https://readmit.example.com',
    READMIT_MAILBOX_URL: 'http://127.0.0.1:9/mailbox',
    READMIT_TOKEN_URL: 'http://127.0.0.1:9/token',
    READMIT_CLIENT_SECRET_FILE: await file('intake.secret', 'secret'),
    READMIT_PROVIDERS: 'acme',
    READMIT_PROVIDER_SOURCES: 'acme=https://sso.example.com/realms/acme',
    READMIT_INSTANCE: 'spec',
    PORT: '0',
    ...env,
  };
  const state = { outage: false, topics: new ProviderTopics(), logged: [] as string[] };
  const backing: Backing = {
    openStore: () => database.store('intake'),
    async openEngine({ definition, make = createEngine, store, log, traceparent, observer, settings }) {
      const open = typeof bus === 'function' ? bus : () => EmbeddedBus.open({ service: 'intake', store, pollMs: 20 });
      const opened = await open(store);
      const engine = make({
        definition,
        store: {
          query: (sql, parameters) => store.query(sql, parameters),
          transaction: (work) =>
            state.outage
              ? Promise.reject(Object.assign(new Error('the database is down'), { code: 'ECONNREFUSED' }))
              : store.transaction(work),
        },
        bus: bus === 'with-topics' ? withProviderTopics(opened, state.topics) : opened,
        signer: new Signer(keys.intake),
        ring: new KeyRing(list),
        environment: settings.READMIT_ENVIRONMENT,
        log,
        traceparent,
        observer,
        member: 'intake-spec',
      });
      return { engine, close: () => opened.close() };
    },
  };
  const start = (): Promise<RunningService> => startService(intakeApp, all, { backing, writeLog: (line) => void state.logged.push(line) });
  let running = await start().catch(async (error: unknown) => {
    await Promise.all([issuer.close(), database.drop(), rm(folder, { recursive: true })]);
    throw error;
  });
  return {
    topics: state.topics,
    logged: state.logged,
    get url() {
      return running.url;
    },
    set outage(down: boolean) {
      state.outage = down;
    },
    token: issuer.token,
    emitted: (...types: readonly EventType[]) => emittedOf(database, types),
    async restart() {
      await running.stop();
      running = await start();
    },
    stop: () => running.stop(),
    async close() {
      state.outage = false;
      await running.stop();
      await issuer.close();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

async function emittedOf(database: TestDatabase, types: readonly EventType[]): Promise<readonly Emitted[]> {
  const store = await database.store('intake', { poolSize: 1 });
  try {
    const reader = await EmbeddedBus.open({ service: 'intake', store });
    const records = await Promise.all([0, 1, 2, 3].map((partition) => reader.read(topicOf('intake'), partition, 0n, 10_000)));
    await reader.close();
    return records
      .flat()
      .map(({ headers, key, value }) => ({
        type: headers['ce_type'] as EventType,
        key,
        data: JSON.parse(value.toString()) as Emitted['data'],
      }))
      .filter(({ type }) => types.includes(type));
  } finally {
    await store.close();
  }
}

async function startIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'issuer-1', alg: 'EdDSA', use: 'sig' }];
  let url = '';
  const server = createServer((request, response) => {
    const document = request.url === '/jwks' ? { keys } : { issuer: url, jwks_uri: `${url}/jwks` };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token: (claims: object): Promise<string> =>
      new SignJWT({ client_id: 'cli', teams: [], sub: 'person:olga', ...claims })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'issuer-1', typ: 'at+jwt' })
        .setIssuer(url)
        .setAudience('readmit-api')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
