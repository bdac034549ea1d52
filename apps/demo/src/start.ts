import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { RecipientKey } from '@readmit/contracts';
import { decodeJwt, type JWK } from 'jose';
import { openDirectory, readSeed } from './directory/directory.js';
import { adminRoutes } from './http/admin-routes.js';
import { bearerCheck } from './http/bearer.js';
import { deskRoutes } from './http/desk-routes.js';
import { interactionRoutes } from './http/interaction-routes.js';
import { peopleRoutes } from './http/people-routes.js';
import { newServer } from './http/server.js';
import { protocolAdapter, type ProtocolState } from './issuer/adapter.js';
import { confidentialClients, type ConfidentialClient } from './issuer/clients.js';
import { makeIssuer } from './issuer/issuer.js';
import { Mailbox } from './mailbox.js';
import { People, type PeopleState } from './people/people.js';
import { firstPeople, type PersonaCredentials } from './people/seed.js';
import { SignIn } from './people/sign-in.js';
import { Signals, type Signal } from './signals.js';
import { JsonFile, writePrivately } from './state/json-file.js';
import { issuerKeysFile, keyId, signingKeyFile, signingKeyOf } from './state/keys.js';

export interface DemoOptions {
  /** Default 0: a free one. A fixed port keeps the issuer's name over restarts. */
  readonly port?: number;
  /** Where everything is kept, readable by its owner alone; absent: in memory. */
  readonly stateDir?: string;
  /** Time of sessions, bypasses, factors and the directory. The tokens of the issuer always live by real time. */
  readonly clock?: () => Date;
  /** Private Ed25519 JWK that signs the directory; default: made at the first start. */
  readonly directoryKey?: JWK;
  /** Freezes the directory's `issuedAt`; default: the moment it is served. */
  readonly directoryIssuedAt?: Date;
  /** Another seed of people, machines and privilege (YAML or JSON). */
  readonly directoryFile?: string;
  /** Where lockouts are reported, e.g. `http://127.0.0.1:8080/api/intake/signals`; absent: nowhere. May be known only after the start: `reportTo`. */
  readonly signalUrl?: string;
  /** First wait before a report is tried again; doubled up to a minute. */
  readonly signalRetryMs?: number;
  readonly log?: (entry: Readonly<Record<string, unknown>>) => void;
  /** Default: the process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Demo {
  readonly url: string;
  readonly issuer: string;
  readonly tokenUrl: string;
  readonly directoryUrl: string;
  readonly mailboxUrl: string;
  /** Secrets of the confidential clients, for the services that use them. */
  readonly clients: Readonly<Record<ConfidentialClient, { readonly clientId: ConfidentialClient; readonly clientSecret: string }>>;
  /** Public halves: `directory` verifies the directory, `consumers` are those of the machines' consumers. */
  readonly publicKeys: { readonly directory: JWK; readonly consumers: Readonly<Record<string, RecipientKey>> };
  /** What the personas knew and had at the first start. */
  readonly people: Readonly<Record<string, PersonaCredentials>>;
  /** A token of the client, for tests and the tour. */
  token(client: ConfidentialClient): Promise<string>;
  /** Reports lockouts there from now on, those that wait included. */
  reportTo(signalUrl: string): void;
  stop(): Promise<void>;
}

/** The demo may not run in production: its personas sign in without proof. */
export class ProductionRefused extends Error {
  constructor() {
    super(
      'The demo identity provider refuses to start with NODE_ENV=production: anyone can act as its personas. Configure a real OpenID provider instead.',
    );
    this.name = 'ProductionRefused';
  }
}

/** Starts the demo identity provider on 127.0.0.1. Throws `ProductionRefused`, and an error that names the file when the state cannot be read. */
export async function startDemo(options: DemoOptions = {}): Promise<Demo> {
  if ((options.env ?? process.env)['NODE_ENV'] === 'production') throw new ProductionRefused();
  const { stateDir } = options;
  const inState = (name: string) => stateDir && path.join(stateDir, name);
  const log = options.log ?? (() => undefined);
  const clock = options.clock ?? (() => new Date());

  const keys = await issuerKeysFile(stateDir, Object.keys(confidentialClients));
  const givenKey = options.directoryKey ?? (await signingKeyFile(inState('directory-key.json')));
  const directoryKey = { ...givenKey, kid: givenKey.kid ?? (await keyId(givenKey)) };
  const directory = await openDirectory(
    await readSeed(options.directoryFile ?? new URL('./directory.yaml', import.meta.url)),
    stateDir,
    directoryKey,
  );
  const { state, credentials } = await openPeople(
    stateDir,
    directory.seed.people.map(({ id }) => id),
    clock(),
  );
  const people = new People(state, clock);
  const mailbox = await Mailbox.open(inState('mailbox.ndjson'));
  const waiting = await JsonFile.open<Signal[]>(inState('signals.json'), () => []);
  const protocol = await JsonFile.open<ProtocolState>(inState('issuer-protocol.json'), () => ({}));

  // The issuer's name holds the port, so the port comes first.
  let listener: RequestListener = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => listener(request, response));
  const port = await listen(server, options.port ?? 0);
  const issuer = `http://127.0.0.1:${port}`;
  try {
    const reports = (url: string | undefined) =>
      new Signals(
        waiting,
        url === undefined
          ? undefined
          : { url, issuer, clientSecret: keys.clients['demo-idp'] ?? '', retryMs: options.signalRetryMs ?? 1000, log },
      );
    let signals = reports(options.signalUrl);
    const teams = new Map(directory.seed.people.map((person) => [person.id, person.teams]));
    const signIn = new SignIn(people, (account, at) => signals.locked(account.id, at), log);
    const provider = makeIssuer({ issuer, keys, adapter: protocolAdapter(protocol), people, teamsOf: (id) => teams.get(id) ?? [], log });
    const check = bearerCheck(issuer, keys.jwks.keys);
    const app = newServer(log);
    peopleRoutes(app, people, signIn);
    adminRoutes(app, people, check, log);
    interactionRoutes(app, provider, signIn);
    deskRoutes(app, { directory, issuedAt: () => options.directoryIssuedAt ?? clock(), mailbox, clock, check });
    await app.ready();
    const protocolHandler = provider.callback();
    listener = (request, response) => {
      if (/^\/($|\?|demo|interaction)/.test(request.url ?? '/')) app.routing(request, response);
      else void protocolHandler(request, response);
    };
    signals.run();
    const url = issuer;
    const publicDirectoryKey: JWK = { ...signingKeyOf(directoryKey), kid: directoryKey.kid, alg: 'EdDSA', use: 'sig' };
    const clientOf = (clientId: ConfidentialClient) => ({ clientId, clientSecret: keys.clients[clientId] ?? '' });
    log({ what: 'demo started', url });
    return {
      url,
      issuer,
      tokenUrl: `${issuer}/token`,
      directoryUrl: `${url}/demo/directory`,
      mailboxUrl: `${url}/demo/mailbox`,
      clients: {
        'demo-idp': clientOf('demo-idp'),
        'readmit-execution': clientOf('readmit-execution'),
        'readmit-intake': clientOf('readmit-intake'),
      },
      publicKeys: { directory: publicDirectoryKey, consumers: directory.consumers },
      people: credentials,
      token: (client) => tokenFor(`${issuer}/token`, clientOf(client), confidentialClients[client].scope),
      reportTo: (signalUrl) => {
        const before = signals;
        signals = reports(signalUrl);
        void before.stop().then(() => signals.run());
      },
      stop: async () => {
        await signals.stop();
        await close(server);
        await app.close();
        await Promise.all([state.save(), protocol.save(), waiting.save()]);
      },
    };
  } catch (error) {
    await close(server);
    throw error;
  }
}

async function openPeople(stateDir: string | undefined, ids: readonly string[], now: Date) {
  const file = stateDir && path.join(stateDir, 'personas.json');
  let made: Record<string, PersonaCredentials> | undefined;
  const state = await JsonFile.open<PeopleState>(stateDir && path.join(stateDir, 'people.json'), async () => {
    const first = await firstPeople(ids, now);
    made = first.credentials;
    // Before people.json: after a crash between the two, both are created again.
    if (file) await writePrivately(file, JSON.stringify(made, undefined, 2));
    return first.people;
  });
  const credentials = made ?? (await JsonFile.open<Record<string, PersonaCredentials>>(file, () => ({}))).value;
  return { state, credentials };
}

async function tokenFor(
  tokenUrl: string,
  client: { readonly clientId: string; readonly clientSecret: string },
  scope: string,
): Promise<string> {
  const response = await fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  const body = (await response.json()) as { access_token?: string; error?: string };
  if (!body.access_token) throw new Error(`demo: no token for ${client.clientId}: ${body.error ?? response.status}`);
  decodeJwt(body.access_token); // a token that is not a JWT would fail later and elsewhere
  return body.access_token;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`the demo cannot listen on 127.0.0.1:${port}: ${error.message}`, { cause: error })));
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
