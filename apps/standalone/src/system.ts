import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { approvalApp } from '@readmit/approval';
import { auditApp } from '@readmit/audit';
import { classificationApp } from '@readmit/classification';
import {
  areaNames,
  principals,
  providerPrincipal,
  serviceOfArea,
  services,
  siemPrincipal,
  type Area,
  type ServiceName,
} from '@readmit/contracts';
import { demoAcr, startDemo, type Demo } from '@readmit/demo';
import { setUpKafka } from '@readmit/bus';
import { executionApp } from '@readmit/execution';
import { intakeApp } from '@readmit/intake';
import { schedulerApp } from '@readmit/revocation-scheduler';
import { startService, type ServiceApp } from '@readmit/service';
import { freePort, startKafka } from '@readmit/servers';
import { setup } from '@readmit/store';
import {
  noticeSettings,
  realDirectoryFile,
  signInSettings,
  startRealTargets,
  type RealOptions,
  type RealTargets,
} from './real/real-targets.js';
import { startFront } from './front.js';
import { librdkafkaSettings, ownKafka, usersOwnKafka, type KafkaAccess } from './kafka-access.js';
import { keyFiles } from './key-files.js';
import { startProcess } from './service-process.js';
import { assertPortsFree, keepBus, keptPorts, takeState } from './state-folder.js';
import { supervise } from './supervise.js';
import { superviseDatabase } from './supervise-database.js';
import { superviseServer } from './supervise-server.js';
import { startTarget, type RunningTarget } from './target/start-target.js';

export interface SystemOptions {
  readonly stateDir: string;
  readonly policyFile: string;
  /** Folder of the built apps, for `processes`. */
  readonly appsDir: string;
  /** Six processes instead of one. */
  readonly processes: boolean;
  /** Start from scratch: remove what the last start left. */
  readonly fresh: boolean;
  /** Port of the one origin. */
  readonly port: number;
  /** The user's own PostgreSQL (owner's URL); absent: an embedded one. */
  readonly databaseUrl: string | undefined;
  /** Events go through Kafka: one of our own, or the user's (settings `KAFKA_*`). Absent: the embedded bus in PostgreSQL. */
  readonly kafka?: 'own' | Readonly<Record<string, string>>;
  /** Also starts Keycloak, OpenLDAP and a mail server: access is restored there, and people sign in at Keycloak. */
  readonly real?: RealOptions;
  /** Another seed of the demo's people, machines and privilege. */
  readonly directoryFile?: string;
  /** Settings of another issuer that people sign in at, `READMIT_ISSUER` among them; absent: the demo's. */
  readonly signIn?: Readonly<Record<string, string>>;
  /** OTLP/HTTP endpoint that the services send their traces to; absent: none are made. */
  readonly otlpEndpoint?: string;
  readonly log: (line: string) => void;
  /** Gives the start up: everything that was started is stopped before `startSystem` rejects. */
  readonly signal?: AbortSignal;
}

export interface System {
  readonly origin: string;
  readonly demo: Demo;
  readonly target: RunningTarget;
  /** With `real`. */
  readonly real?: RealTargets | undefined;
  /** Where people sign in. */
  readonly issuer: string;
  readonly stateDir: string;
  /** Owner's URL of Readmit's database: for the tour's attacks alone. */
  readonly ownerUrl: string;
  readonly databaseUrls: Readonly<Record<ServiceName, string>>;
  /** Absent: the embedded bus. */
  readonly kafka?: KafkaAccess | undefined;
  /** Of the Kafka that the launcher starts: users other than the services, and the file with their settings. */
  readonly kafkaGuests: readonly { readonly user: string; readonly brokers: readonly string[]; readonly settingsFile: string }[];
  readonly keys: Awaited<ReturnType<typeof keyFiles>>;
  readonly environment: string;
  /** Process id of a service, with `processes`, of the embedded database and Kafka; undefined for parts that the launcher did not start. Changes when the part restarts. */
  pidOf(part: ServiceName | 'database' | 'kafka'): number | undefined;
  /** Resolves when a part of the system ends by itself again and again. */
  readonly broken: Promise<string>;
  stop(): Promise<void>;
}

const environment = 'standalone';
/** The demo's identity provider and a SIEM that may read what is shown to SIEMs: users of our own Kafka. */
const provider = 'demo-idp';
const siem = 'soc';
const topology = { providers: [provider], siems: [siem], replication: 1, minInSync: 1 };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the six apps have different settings; each is started with its own
const apps: Readonly<Record<ServiceName, ServiceApp<any>>> = {
  intake: intakeApp,
  classification: classificationApp,
  approval: approvalApp,
  execution: executionApp,
  'revocation-scheduler': schedulerApp,
  audit: auditApp,
};

/** Starts everything on this machine, in order, and stops what was started when a later step fails. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const started: { readonly name: string; stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const { name, stop: end } of started.splice(0).reverse())
      await end().catch((error: unknown) => failures.push(new Error(`could not stop ${name}`, { cause: error })));
    if (failures.length > 0) throw new AggregateError(failures, 'not everything stopped cleanly');
  };
  let reportBroken: (what: string) => void = () => undefined;
  const broken = new Promise<string>((resolve) => (reportBroken = resolve));
  const going = (): void => options.signal?.throwIfAborted();
  try {
    const { stateDir, log } = options;
    going();
    const leave = await takeState(stateDir, options);
    started.push({ name: 'state folder', stop: leave });
    const at = (...names: string[]): string => path.join(stateDir, ...names);
    const ports = await keptPorts(at('ports.json'));
    const { database: databasePort, ...others } = ports;
    await assertPortsFree(options.port, options.databaseUrl === undefined ? ports : others, at('ports.json'));
    await keepBus(at('bus.json'), stateDir, options.kafka === undefined ? 'embedded' : 'kafka');
    const secret = async (name: string, text: string): Promise<string> => {
      await mkdir(at('secrets'), { recursive: true, mode: 0o700 });
      await writeFile(at('secrets', name), text, { mode: 0o600 });
      return at('secrets', name);
    };

    log(options.databaseUrl === undefined ? 'PostgreSQL' : `on the PostgreSQL of DATABASE_URL: ${placeOf(options.databaseUrl)}`);
    const supervising = { log, onGivenUp: reportBroken, ...(options.signal ? { signal: options.signal } : {}) };
    const database =
      options.databaseUrl === undefined
        ? await superviseDatabase({ ...supervising, dataDir: at('database'), port: databasePort })
        : undefined;
    if (database) started.push({ name: 'PostgreSQL', stop: () => database.stop() });
    going();
    // They start while the rest does, and are stopped after the services.
    const startingReal = options.real && startRealTargets({ ...supervising, stateDir, real: options.real });
    if (startingReal) {
      log('Keycloak, OpenLDAP, a local mail server');
      startingReal.catch(() => undefined);
      started.push({ name: 'the targets', stop: async () => (await startingReal.catch(() => undefined))?.stop() });
    }
    let kafka: KafkaAccess | undefined;
    const kafkaGuests: System['kafkaGuests'][number][] = [];
    if (options.kafka === 'own') {
      log('Apache Kafka');
      const server = await superviseServer({
        ...supervising,
        name: 'Kafka',
        start: (take) => startKafka({ dataDir: at('kafka'), users: principals(topology), log: take }),
        failed: async (one) => (await one.failed).code,
      });
      started.push({ name: 'Kafka', stop: () => server.stop() });
      kafka = ownKafka(() => server.current(), secret);
      await setUpKafka({ connection: kafka.connectionOf('admin'), topology, apply: true });
      for (const user of [siemPrincipal(siem), providerPrincipal(provider)]) {
        const connection = kafka.connectionOf(user);
        const settingsFile = await secret(`kafka-${user}.conf`, librdkafkaSettings(connection));
        kafkaGuests.push({ user, brokers: connection.brokers, settingsFile });
      }
    } else if (options.kafka) kafka = await usersOwnKafka(options.kafka, topology.providers);
    going();
    const prepared = await setup({
      ownerUrl: database?.current().url ?? options.databaseUrl ?? '',
      secretsDir: at('secrets'),
      ...(database ? { database: 'readmit' } : {}),
    });
    going();
    log('the target PostgreSQL');
    const target = await startTarget({ dataDir: at('target'), port: ports.target });
    started.push({ name: 'target PostgreSQL', stop: () => target.stop() });
    going();
    log('the demo identity provider');
    const directoryFile = options.directoryFile ?? (options.real ? realDirectoryFile : undefined);
    const demo = await startDemo({
      port: ports.demo,
      stateDir: at('demo'),
      ...(directoryFile === undefined ? {} : { directoryFile }),
    });
    started.push({ name: 'demo identity provider', stop: () => demo.stop() });

    const keys = await keyFiles(at('keys'), environment);
    const real = await startingReal;
    going();
    const targets = [
      ...(real
        ? [real.realm.entry, real.directory.entry]
        : [{ kind: 'demo-idp', name: 'demo-idp', url: demo.url, tokenUrl: demo.tokenUrl, ...demo.clients['readmit-execution'] }]),
      { kind: 'postgres', name: 'target-postgres', url: target.executorUrl, accounts: target.accounts },
    ];
    const own: Readonly<Record<ServiceName, Readonly<Record<string, string>>>> = {
      intake: {
        READMIT_PROVIDERS: provider,
        READMIT_PROVIDER_SOURCES: `${provider}=${demo.issuer}`,
        ...(real
          ? noticeSettings(real, { url: demo.directoryUrl, key: String(demo.publicKeys.directory.x) })
          : {
              READMIT_MAILBOX_URL: demo.mailboxUrl,
              READMIT_TOKEN_URL: demo.tokenUrl,
              READMIT_CLIENT_SECRET_FILE: await secret('readmit-intake.secret', demo.clients['readmit-intake'].clientSecret),
            }),
      },
      classification: {
        READMIT_POLICY_FILE: options.policyFile,
        READMIT_DIRECTORY_URL: demo.directoryUrl,
        READMIT_DIRECTORY_KEY: String(demo.publicKeys.directory.x),
        READMIT_CONTACT_SALT_FILE: keys.contactSaltFile,
      },
      approval: {},
      execution: {
        READMIT_TARGETS_FILE: await secret('targets.json', JSON.stringify(targets)),
        READMIT_WATCH_MS: '300',
        READMIT_SWEEP_SECONDS: '2',
      },
      'revocation-scheduler': {},
      audit: { READMIT_LOG_KEY_FILE: keys.logKeyFile },
    };
    const publicUrl = `http://127.0.0.1:${options.port}`;
    const signIn = real?.browser ? signInSettings(real) : options.signIn;
    const environmentOf = async (service: ServiceName): Promise<Record<string, string>> => ({
      READMIT_ENVIRONMENT: environment,
      DATABASE_URL: prepared.urls[service],
      HOST: '127.0.0.1',
      READMIT_SERVICE_KEY_FILE: keys.serviceKeyFile[service],
      READMIT_KEY_LIST_FILE: keys.keyListFile,
      READMIT_ROOT_KEY: keys.rootKey,
      READMIT_ISSUER: demo.issuer,
      READMIT_AUDIENCE: 'readmit-api',
      READMIT_STEP_UP_ACR: demoAcr,
      ...signIn,
      READMIT_PUBLIC_URL: publicUrl,
      READMIT_RATE_PER_ADDRESS: '6000',
      READMIT_RATE_PER_ACTOR: '6000',
      READMIT_TRUSTED_PROXIES: '127.0.0.1',
      READMIT_LOG_LEVEL: 'info',
      // There is one of each: one that is started again takes over at once what the one before held.
      READMIT_INSTANCE: 'launcher',
      ...(options.otlpEndpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpEndpoint }),
      ...(await kafka?.environmentOf(service)),
      ...own[service],
    });
    await mkdir(at('logs'), { recursive: true });
    log(options.processes ? 'six services, six processes' : 'six services, one process');
    const pids = new Map<Parameters<System['pidOf']>[0], () => number | undefined>();
    if (database) pids.set('database', () => database.current().pid);
    if (kafka) pids.set('kafka', kafka.pid);
    const starting = services.map(async (service) => {
      const logFile = at('logs', `${service}.log`);
      if (!options.processes) {
        const running = await inProcess(service, { ...(await environmentOf(service)), PORT: '0' }, logFile);
        started.push({ name: service, stop: () => running.stop() });
        return [service, running.url] as const;
      }
      const env = { ...(await environmentOf(service)), PORT: String(await freePort()) };
      const running = await supervise({
        ...supervising,
        name: service,
        start: (signal) => startProcess({ service, appsDir: options.appsDir, env, logFile, signal }),
        lastLines: () => lastLinesOf(logFile),
      });
      started.push({ name: service, stop: () => running.stop() });
      pids.set(service, () => running.current().pid);
      return [service, running.current().url] as const;
    });
    // All of them first: one that fails must not leave another that still starts.
    await Promise.allSettled(starting);
    const urls = await Promise.all(starting);
    going();
    const urlOf = Object.fromEntries(urls) as Record<ServiceName, string>;
    const upstreams = Object.fromEntries(areaNames.map((area) => [area, urlOf[serviceOfArea(area)]])) as Record<Area, string>;
    const front = await startFront({ port: options.port, upstreams, onFailure: (line) => void process.stderr.write(`${line}\n`) });
    started.push({ name: 'front', stop: () => front.close() });
    demo.reportTo(`${publicUrl}/api/intake/signals`);
    return {
      origin: publicUrl,
      demo,
      target,
      real,
      issuer: signIn?.['READMIT_ISSUER'] ?? demo.issuer,
      stateDir,
      ownerUrl: prepared.ownerUrl,
      databaseUrls: prepared.urls,
      kafka,
      kafkaGuests,
      keys,
      environment,
      pidOf: (part) => pids.get(part)?.(),
      broken,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function inProcess(
  service: ServiceName,
  env: Record<string, string>,
  logFile: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  const { createWriteStream } = await import('node:fs');
  const file = createWriteStream(logFile, { flags: 'a' });
  const running = await startService(apps[service], env, { writeLog: (line) => void file.write(line.endsWith('\n') ? line : `${line}\n`) });
  return {
    url: running.url,
    async stop() {
      await running.stop();
      await new Promise<void>((resolve) => file.end(resolve));
    },
  };
}

/** Where a database is, for people: without the password, and without its parameters. */
function placeOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'not a URL';
  const { pathname, host, username } = new URL(databaseUrl);
  return `database ${decodeURIComponent(pathname.slice(1)) || username} on ${host}; creates seven schemas and six roles there`;
}

/** The end of a log, for people. */
async function lastLinesOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-20).join('\n');
}
