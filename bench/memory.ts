/**
 * `npm run bench -- memory`: many cases through the whole pipeline in one process, on topics in PostgreSQL or (`--bus kafka`) on a real Kafka. Says how fast, at which cost in the database,
 * and fails when memory grows with the number of cases: what is resident at the end may exceed what was at a tenth by a fifth.
 */
import { setup } from '@readmit/store';
import { startPostgres } from '@readmit/servers';
import pg from 'pg';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { services } from '@readmit/contracts';
import { Cases } from './cases.js';
import { cpuOf, ownCpu } from './cpu.js';
import { makePeople } from './people.js';
import { KafkaArena } from './pipeline/kafka-arena.js';
import { openPipeline, type Pipeline } from './six-services.js';
import { endPostgres, startFolder, Started } from './started.js';

const mostGrowth = 1.2;
const megabytes = (bytes: number): string => (bytes / 1_048_576).toFixed(0);

interface Mark {
  readonly cases: number;
  readonly perSecond: number;
  readonly rss: number;
  readonly heapUsed: number;
  readonly statements: number;
  readonly commits: number;
  readonly wal: number;
  /** Milliseconds of CPU a case: ours, and PostgreSQL's. */
  readonly ownCpu: number;
  readonly databaseCpu: number;
  /** Of the broker; 0 when there is none. */
  readonly brokerCpu: number;
}

/** Before this many cases a process is still warming up: code is being compiled, pools and caches fill. */
const warmAfter = 1_000;

/** Where figures are taken: as far as the run goes, a tenth of it, and its end. */
const marksOf = (total: number): ReadonlySet<number> =>
  new Set([1_000, 5_000, 10_000, 20_000, 50_000, 100_000, Math.max(1, Math.floor(total / 10)), total].filter((mark) => mark <= total));

/** Sentence that says what is wrong, or undefined. */
function judge(marks: readonly Mark[]): string | undefined {
  const last = marks.at(-1);
  const early = marks.find((mark) => last && mark.cases >= warmAfter && mark.cases * 10 >= last.cases);
  if (!last || !early || last === early) {
    process.stdout.write(`too few cases to judge memory: at least ${warmAfter * 2} are needed\n`);
    return undefined;
  }
  return last.rss > early.rss * mostGrowth
    ? `memory grows with the cases: ${megabytes(early.rss)} MB at ${early.cases}, ${megabytes(last.rss)} MB at ${last.cases}`
    : undefined;
}

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      bus: { type: 'string', default: 'embedded' },
      cases: { type: 'string' },
      'at-once': { type: 'string' },
      people: { type: 'string' },
    },
    allowPositionals: true,
  });
  if (values.bus !== 'embedded' && values.bus !== 'kafka')
    throw new Error(`--bus takes embedded or kafka, not ${JSON.stringify(values.bus)}`);
  const total = whole(values.cases ?? '100000', '--cases');
  const atOnce = whole(values['at-once'] ?? '200', '--at-once');
  const people = makePeople(whole(values.people ?? '10000', '--people'));
  const started = new Started();
  try {
    const folder = await startFolder(started);
    const server = await started.start(() => startPostgres({ dataDir: path.join(folder, 'postgres') }), endPostgres);
    const { urls, ownerUrl } = await setup({
      ownerUrl: server.url,
      secretsDir: path.join(server.dataDir, 'secrets'),
      database: 'readmit',
    });
    const arena =
      values.bus === 'kafka'
        ? await started.start(
            () => KafkaArena.open(path.join(folder, 'kafka')),
            (one) => one.close(),
          )
        : undefined;
    const kafka = await arena?.fresh();
    const cases = new Cases(people);
    const owner = new pg.Client({ connectionString: ownerUrl });
    await owner.connect();
    const pipeline = await openPipeline({
      urls,
      people,
      kafka: kafka?.connections,
      onFact: (service, key, fact) => cases.onFact(service, key, fact),
    });
    try {
      const marks = await measure({ pipeline, cases, owner, total, atOnce, databasePid: server.pid, brokerPid: kafka?.brokerPid });
      const outcomes = [...cases.outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
      process.stdout.write(`${cases.ended} cases ended: ${outcomes}\n`);
      const wrong = cases.outcomes.get('completed') === total ? judge(marks) : 'not every case was completed';
      if (wrong) process.stderr.write(`error: ${wrong}\n`);
      return wrong ? 1 : 0;
    } finally {
      await pipeline.stop();
      await owner.end();
    }
  } finally {
    await started.end();
  }
}

async function measure(of: {
  readonly pipeline: Pipeline;
  readonly cases: Cases;
  readonly owner: pg.Client;
  readonly total: number;
  readonly atOnce: number;
  readonly databasePid: number;
  readonly brokerPid: number | undefined;
}): Promise<readonly Mark[]> {
  const { pipeline, cases, owner, total, atOnce, databasePid, brokerPid } = of;
  const ofBroker = async (): Promise<number> => (brokerPid === undefined ? 0 : cpuOf(brokerPid));
  const wanted = marksOf(total);
  const marks: Mark[] = [];
  const pending: Promise<void>[] = [];
  const wal = async (): Promise<number> => {
    const { rows } = await owner.query<{ bytes: string }>(`SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes`);
    return Number(rows[0]?.bytes ?? 0);
  };
  const spent = (what: 'statements' | 'commits'): number =>
    services.reduce((sum, service) => sum + pipeline.stores[service].counters[what], 0);
  let before = {
    cases: 0,
    at: performance.now(),
    statements: spent('statements'),
    commits: spent('commits'),
    wal: await wal(),
    own: ownCpu(),
    database: await cpuOf(databasePid),
    broker: await ofBroker(),
  };
  process.stdout.write(
    '   cases  cases/s  RSS MB  heap MB  statements/case  commits/case  WAL KB/case  CPU ms/case: node  postgres  kafka\n',
  );
  const take = async (ended: number): Promise<void> => {
    const now = {
      cases: ended,
      at: performance.now(),
      statements: spent('statements'),
      commits: spent('commits'),
      own: ownCpu(),
      database: await cpuOf(databasePid),
      broker: await ofBroker(),
    };
    const { rss, heapUsed } = process.memoryUsage();
    const bytes = await wal();
    const count = now.cases - before.cases;
    const mark: Mark = {
      cases: ended,
      perSecond: (count * 1000) / (now.at - before.at),
      rss,
      heapUsed,
      statements: (now.statements - before.statements) / count,
      commits: (now.commits - before.commits) / count,
      wal: (bytes - before.wal) / count,
      ownCpu: ((now.own - before.own) * 1000) / count,
      databaseCpu: ((now.database - before.database) * 1000) / count,
      brokerCpu: ((now.broker - before.broker) * 1000) / count,
    };
    before = { ...now, wal: bytes };
    marks.push(mark);
    process.stdout.write(
      `${String(ended).padStart(8)}  ${mark.perSecond.toFixed(1).padStart(7)}  ${megabytes(rss).padStart(6)}  ${megabytes(heapUsed).padStart(7)}  ` +
        `${mark.statements.toFixed(1).padStart(15)}  ${mark.commits.toFixed(1).padStart(12)}  ${(mark.wal / 1024).toFixed(1).padStart(11)}  ` +
        `${mark.ownCpu.toFixed(1).padStart(17)}  ${mark.databaseCpu.toFixed(1).padStart(8)}  ${mark.brokerCpu.toFixed(1).padStart(5)}\n`,
    );
  };
  await cases.run(pipeline, {
    total,
    atOnce,
    onEnd: (ended) => {
      if (wanted.has(ended)) pending.push((pending.at(-1) ?? Promise.resolve()).then(() => take(ended)));
    },
  });
  await Promise.all(pending);
  await sayShares(pipeline, total);
  return marks;
}

/** Which service spends how much: statements and commits a case, messages a batch. */
async function sayShares(pipeline: Pipeline, total: number): Promise<void> {
  for (const service of services) {
    const { statements, commits } = pipeline.stores[service].counters;
    const { batches, messages, events } = pipeline.engines[service].counters;
    process.stdout.write(
      `  ${service.padEnd(21)} ${(statements / total).toFixed(1).padStart(6)} statements  ${(commits / total).toFixed(1).padStart(5)} commits  ` +
        `${(events / total).toFixed(1).padStart(5)} events a case; ${(messages / Math.max(1, batches)).toFixed(1)} messages a batch\n`,
    );
  }
}

function whole(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${option} takes a whole number above zero, not ${JSON.stringify(text)}`);
  return value;
}

process.exitCode = await run();
