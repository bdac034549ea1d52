import { uuidv7 } from '@readmit/platform';
import type { Commands, ServiceRuntime } from '@readmit/runtime';
import { BearerVerifier } from '@readmit/signing';
import { ProofVerifier } from './http/case-proof.js';
import { Instruments } from './http/instruments.js';
import { createHttp } from './http/server.js';
import { createLog } from './log/logger.js';
import { realBacking } from './backing.js';
import type { Backing, ServiceApp } from './service-app.js';
import { readSettings, secretTexts, type SettingsSpec } from './settings/settings.js';
import { serviceSettings, type ServiceSettings } from './settings/service-settings.js';
import { signInOf } from './settings/sign-in-settings.js';
import { currentTraceparent, startTelemetry } from './telemetry.js';

export interface RunningService {
  /** Origin of the HTTP server, without a trailing slash. */
  readonly url: string;
  readonly engine: ServiceRuntime;
  /** Stops taking, finishes what is under way, closes in order. Idempotent. */
  stop(): Promise<void>;
}
export interface StartOptions {
  readonly backing?: Backing;
  readonly now?: () => Date;
  /** Ends a start that waits: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Takes the log lines instead of standard output. */
  readonly writeLog?: (line: string) => void;
}
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts a service without signal handlers, for a process that holds several and for tests. Order: settings, telemetry, store,
 * app, engine, HTTP; what has been opened is closed again when a later step fails. Throws `ConfigurationError` for wrong settings.
 */
export async function startService<S extends SettingsSpec>(
  app: ServiceApp<S>,
  env: Environment,
  options: StartOptions = {},
): Promise<RunningService> {
  const spec: SettingsSpec = { ...serviceSettings, ...app.settings };
  const values = readSettings(spec, env);
  // The specification is the union of both; the compiler cannot follow a spread over a type parameter.
  const settings = values as unknown as ServiceSettings & Parameters<typeof app.build>[0]['settings'];
  const log = createLog({
    service: app.name,
    level: settings.READMIT_LOG_LEVEL,
    secrets: secretTexts(values),
    ...(options.writeLog ? { write: options.writeLog } : {}),
  });
  const backing = options.backing ?? realBacking;
  const now = options.now ?? (() => new Date());
  const opened: { readonly name: string; close(): Promise<void> }[] = [];
  let draining = false;
  let stopping: Promise<void> | undefined;
  const stop = () => {
    draining = true;
    return (stopping ??= closeAll(opened));
  };
  try {
    if (settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined)
      opened.push({ name: 'telemetry', close: await startTelemetry(settings.OTEL_EXPORTER_OTLP_ENDPOINT, app.name) });
    const store = await backing.openStore(settings, app.name);
    opened.push({ name: 'store', close: () => store.close() });
    const later: { commands?: Commands } = {};
    const theCommands = () => {
      if (!later.commands) throw new Error(`this is a bug: ${app.name} has no commands, or used them while it was being built`);
      return later.commands;
    };
    const built = await app.build({
      settings,
      log,
      store,
      now,
      newId: (prefix) => `${prefix}_${uuidv7()}`,
      commands: { command: (about, command) => theCommands().command(about, command), facts: (key) => theCommands().facts(key) },
    });
    opened.push({ name: 'app', close: async () => built.close?.() });
    const instruments = new Instruments(app.name, log, built.figures);
    const standing = await backing.openEngine({
      definition: built.definition,
      ...(built.engine ? { make: built.engine } : {}),
      settings,
      store,
      log,
      traceparent: currentTraceparent,
      observer: instruments.observer,
      signal: options.signal ?? new AbortController().signal,
    });
    if ('command' in standing.engine) later.commands = standing.engine;
    const running = standing.engine;
    opened.push({ name: 'bus', close: () => standing.close() });
    const { issuer, audience, tokens, stepUp } = signInOf(settings);
    const http = await createHttp({
      service: app.name,
      area: app.area,
      engine: running,
      instruments,
      scrape: () => instruments.scrape({ engine: running, store, outbox: standing.outbox }),
      log,
      controllers: built.controllers,
      providers: built.providers ?? [],
      bearer: new BearerVerifier({ issuer, audience, ...tokens, now }),
      stepUp,
      now,
      proofs: new ProofVerifier(now),
      signalProviders: settings.READMIT_PROVIDERS,
      trustedProxies: settings.READMIT_TRUSTED_PROXIES,
      limits: { perAddress: settings.READMIT_RATE_PER_ADDRESS, perActor: settings.READMIT_RATE_PER_ACTOR },
      checkAnswers: env['NODE_ENV'] !== 'production',
      draining: () => draining,
    });
    opened.push({ name: 'http and engine', close: () => http.close() });
    await http.startAllMicroservices();
    await built.started?.();
    await http.listen({ port: settings.PORT, host: settings.HOST });
    const url = await http.getUrl();
    log.info({ url }, 'started');
    return { url, engine: running, stop };
  } catch (error) {
    if (options.signal?.aborted) log.info({}, 'stopped before start-up finished');
    else log.fatal({ err: error }, 'could not start');
    // The first error is the one that explains; closing what was half open may fail for the same reason.
    await stop().catch((failure: unknown) => log.error({ err: failure }, 'could not close all resources after a failed start'));
    throw error;
  }
}

/** Last opened, first closed; one that fails does not keep the others open. */
async function closeAll(opened: readonly { readonly name: string; close(): Promise<void> }[]): Promise<void> {
  const failures: unknown[] = [];
  for (const { name, close } of [...opened].reverse()) {
    try {
      await close();
    } catch (error) {
      failures.push(new Error(`could not close ${name}`, { cause: error }));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the service did not shut down cleanly');
}
