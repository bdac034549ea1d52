import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '@readmit/platform';
import { freePort } from '@readmit/servers';
import { kafkaVariables } from './kafka-access.js';
import { serving, servingReal } from './serving.js';
import { startTimes } from './state-folder.js';
import { startSystem, type System } from './system.js';
import { playTour } from './tour/tour.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/** A file, so that `npm start -- --help` needs neither packages nor a build. */
const usage = readFileSync(path.join(root, 'apps/standalone/usage.txt'), 'utf8');

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean' },
        processes: { type: 'boolean' },
        kafka: { type: 'boolean' },
        real: { type: 'boolean' },
        'without-browser': { type: 'boolean' },
        fresh: { type: 'boolean' },
        'no-tour': { type: 'boolean' },
        port: { type: 'string' },
        state: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const port = Number(values.port ?? 7400);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error(`--port must be an integer from 0 to 65535, was '${values.port ?? ''}'`);
    if (values['without-browser'] && !values.real) throw new Error('--without-browser is for --real');
    return { ...values, kafka: values.kafka === true || values.real === true, port };
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}`);
    process.exit(2);
  }
}

const options = readOptions();
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
if (process.env['NODE_ENV'] === 'production') {
  process.stderr.write(
    'npm start is a demo: anyone can sign in as any persona of its identity provider. It refuses NODE_ENV=production; run the six services instead (README).\n',
  );
  process.exit(78);
}

const startUp = new AbortController();
let starting: Promise<System> | undefined;
let ending: Promise<void> | undefined;
const end = (code: number): Promise<void> =>
  (ending ??= (async () => {
    try {
      startUp.abort(new Error('stopped while starting'));
      // A start that fails has stopped what it had started, and who waits for it says why.
      await (await starting?.catch(() => undefined))?.stop();
    } catch (error) {
      process.stderr.write(`${String(error)}\n`);
      code ||= 1;
    }
    process.exit(code);
  })());
// SIGHUP: the terminal was closed.
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(exitCodes[signal]));

// `npm start | head`: nobody reads any more. The code is what a shell says of SIGPIPE: a tour that was cut short has not held.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    void end(141);
  });

const began = Date.now();
const log = (line: string): void =>
  void process.stdout.write(
    `  ${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${/^(fetching|downloading|building|restarting|ready) /.test(line) ? '' : 'starting '}${line}\n`,
  );
const stateDir = path.resolve(options.state ?? path.join(root, `.readmit${options.real ? '-real' : options.kafka ? '-kafka' : ''}`));
try {
  starting = startSystem({
    stateDir,
    policyFile: path.join(root, 'deploy/policies/default.yaml'),
    appsDir: path.join(root, 'dist/apps'),
    processes: options.processes === true || options.kafka,
    ...(options.real ? { real: { root, browser: !options['without-browser'] } } : {}),
    ...(options.kafka ? { kafka: process.env['KAFKA_BROKERS'] ? kafkaVariables(process.env) : 'own' } : {}),
    fresh: options.fresh ?? false,
    port: options.port === 0 ? await freePort() : options.port,
    databaseUrl: process.env['DATABASE_URL'] || undefined,
    ...(process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] ? { otlpEndpoint: process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] } : {}),
    log,
    signal: startUp.signal,
  });
  const system = await starting;
  if (options.real) log(await startTimes(stateDir, (Date.now() - began) / 1000));
  void system.broken.then((what) => {
    process.stderr.write(`${what}\n`);
    return end(1);
  });
  const failed = options['no-tour']
    ? 0
    : await playTour(system, { color: process.stdout.isTTY && !process.env['NO_COLOR'], write: (text) => void process.stdout.write(text) });
  if (options.once) await end(failed === 0 ? 0 : 1);
  // As it is typed in this folder: short, and quoted where a shell wants it.
  const near = path.relative(process.cwd(), system.stateDir);
  const folder = near.startsWith('..') ? system.stateDir : near;
  const state = /^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  process.stdout.write(system.real?.browser ? servingReal(system, system.real, state) : serving(system, state));
} catch (error) {
  if (!ending) {
    process.stderr.write(
      `\n${error instanceof Error ? `${error.message}${error.cause instanceof Error ? `\n  cause: ${error.cause.message}` : ''}` : String(error)}\n`,
    );
    await end(1);
  }
}
