/**
 * `npm run bench -- connectors`: many undos are due in the same instant at three simulated targets, through the real engine with its lease in
 * execution. In every second run as many as at each of them are due at a fourth, which hangs (`simulated-hanging`): it takes calls and never
 * answers. Prints how late the undos at the three were, and fails when the 99th percentile grows by a tenth or more.
 */
import { EmbeddedBus } from '@readmit/bus';
import { TargetError } from '@readmit/domain';
import { createEngine, type ServiceDefinition, type WorkHandler } from '@readmit/runtime';
import { startPostgres } from '@readmit/servers';
import { KeyRing, makeServiceKeys, Signer } from '@readmit/signing';
import { openStore, schemaOf, setup, type Store } from '@readmit/store';
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { median, quantile } from './pipeline/statistics.js';
import { endPostgres, startFolder, Started } from './started.js';

const healthy = ['simulated-1', 'simulated-2', 'simulated-3'] as const;
const hanging = 'simulated-hanging';
/** Of the 99th percentile. */
const mostGrowth = 1.1;
const answerMs = 5;
/** As in apps/execution. */
const leaseMs = 10_000;

const machine = `${new Date().toISOString().slice(0, 10)}, ${os.availableParallelism()} cores (${os.cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}, load at the start ${os.loadavg()[0]?.toFixed(1)}`;

interface Run {
  /** At all four targets. */
  readonly expiries: number;
  /** Whether the fourth has work. */
  readonly state: 'alone' | 'hangs';
  readonly url: string;
}
interface Lateness {
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
}

/** Milliseconds from due to saved, by connector. */
class Undos {
  readonly late = new Map<string, number[]>();
  private readonly onEnd = Promise.withResolvers<void>();
  readonly ended = this.onEnd.promise;
  private left: number;

  /** `expected`: undos at the targets that answer. */
  constructor(expected: number) {
    this.left = expected;
  }

  readonly handler: WorkHandler<string> = {
    lane: 'urgent',
    begin: () => ({ go: true, emit: [] }),
    call: ({ connector }, _facts, signal) =>
      new Promise((resolve, reject) => {
        if (connector !== hanging) return void setTimeout(() => resolve('undone'), answerMs);
        signal.addEventListener('abort', () => reject(new TargetError('no answer', 'unknown', 'timeout')), { once: true });
      }),
    finish: ({ connector, notBefore, tries }, outcome, _facts, { now }) => {
      if (typeof outcome !== 'string') return { emit: [], retryAt: new Date(now.getTime() + Math.min(60, 2 ** (tries - 1)) * 1000) };
      this.save(connector, now.getTime() - notBefore.getTime());
      return { emit: [] };
    },
  };

  private save(connector: string, late: number): void {
    const all = this.late.get(connector) ?? [];
    this.late.set(connector, all);
    all.push(late);
    if (--this.left === 0) this.onEnd.resolve();
  }
}

/** All due in the same instant, in turn at each target. */
async function askFor(store: Store, connectors: readonly string[], expiries: number): Promise<void> {
  await store.query(`INSERT INTO aggregate (key, version) SELECT 'case-' || n, 1 FROM generate_series(1, $1::integer) n`, [expiries]);
  await store.query(
    `INSERT INTO work (id, key, kind, lane, connector, object, also_keys, input, not_before)
     SELECT 'case-' || n || '/undo', 'case-' || n, 'undo', 'urgent', ($2::text[])[1 + n % cardinality($2::text[])], 'person-' || n, '{}', '{}',
       date_trunc('milliseconds', now()) + interval '3 seconds' FROM generate_series(1, $1::integer) n`,
    [expiries, connectors],
  );
  await store.query('ANALYZE work');
}

async function play({ expiries, state, url }: Run): Promise<Lateness> {
  const keys = makeServiceKeys(new Date(Date.now() - 60_000));
  const store = await openStore({ url, schema: schemaOf('execution'), applicationName: 'bench execution', poolSize: 8 });
  const connectors = state === 'hangs' ? [...healthy, hanging] : healthy;
  const perTarget = Math.floor(expiries / (healthy.length + 1));
  await store.query('DELETE FROM work');
  await store.query('DELETE FROM aggregate');
  await askFor(store, connectors, perTarget * connectors.length);
  const undos = new Undos(perTarget * healthy.length);
  const definition: ServiceDefinition = {
    name: 'execution',
    consumes: ['readmit.approval.granted'],
    react: () => ({ emit: [] }),
    work: { undo: undos.handler },
    wakes: 'deadline',
  };
  const warn = (fields: object, message: string): void => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  const bus = await EmbeddedBus.open({ service: 'execution', store });
  const engine = createEngine({
    definition,
    store,
    bus,
    signer: new Signer(keys.keys.execution),
    ring: new KeyRing(keys.list),
    environment: 'bench',
    log: { debug: () => {}, info: () => {}, warn, error: warn },
    leaseMs,
    member: randomUUID(),
  });
  try {
    await engine.start();
    await undos.ended;
    const all = healthy.flatMap((connector) => undos.late.get(connector) ?? []).sort((a, b) => a - b);
    return { median: quantile(all, 0.5), p99: quantile(all, 0.99), worst: all.at(-1) ?? NaN };
  } finally {
    await engine.stop();
    await bus.close();
    await store.close();
  }
}

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: { expiries: { type: 'string', default: '10000' }, pairs: { type: 'string', default: '5' } },
    allowPositionals: true,
  });
  const expiries = whole(values.expiries, '--expiries', 4);
  const pairs = whole(values.pairs, '--pairs', 1);
  const started = new Started();
  try {
    const folder = await startFolder(started);
    const server = await started.start(() => startPostgres({ dataDir: path.join(folder, 'postgres') }), endPostgres);
    const { urls } = await setup({ ownerUrl: server.url, secretsDir: path.join(server.dataDir, 'secrets'), database: 'readmit' });
    process.stdout.write(
      `${machine}\n${expiries} undos due at once, a quarter of them at each simulated target; three answer after ${answerMs} ms, the fourth hangs or has none\n`,
    );
    // Not counted: the first run of a process is slow.
    await play({ expiries, state: 'alone', url: urls.execution });
    const growths: number[] = [];
    for (let pair = 1; pair <= pairs; pair++) {
      // Each comes first as often as the other.
      const order: readonly Run['state'][] = pair % 2 === 1 ? ['alone', 'hangs'] : ['hangs', 'alone'];
      const late = {} as Record<Run['state'], Lateness>;
      for (const state of order) late[state] = await play({ expiries, state, url: urls.execution });
      for (const state of ['alone', 'hangs'] as const)
        process.stdout.write(`${pair} ${state === 'alone' ? 'three alone ' : 'fourth hangs'} ${textOf(late[state])}\n`);
      growths.push(late.hangs.p99 / late.alone.p99);
    }
    const growth = median(growths);
    process.stdout.write(
      `99th percentile at the three, with the fourth hanging to without it: ${growth.toFixed(3)} (median of ${pairs} pairs)\n`,
    );
    if (growth < mostGrowth) return 0;
    process.stderr.write('error: with one target that hangs the others are later by a tenth or more\n');
    return 1;
  } finally {
    await started.end();
  }
}

const textOf = (late: Lateness): string =>
  `median ${late.median.toFixed(0)} ms, 99th percentile ${late.p99.toFixed(0)} ms, worst ${late.worst.toFixed(0)} ms late`;

function whole(text: string, option: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`${option} takes a whole number from ${least}, not ${JSON.stringify(text)}`);
  return value;
}

process.exitCode = await run();
