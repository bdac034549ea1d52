/** Slices to tables, on the terminal and in docs/benchmarks.md. */
import { services } from '@readmit/contracts';
import { readFile, writeFile } from 'node:fs/promises';
import type { Slice } from './arena.js';
import { hopPrograms } from './chain.js';
import type { Measured } from './load.js';
import { median, quantile, ratioOf, type Ratio } from './statistics.js';

/** One slice of every program, of the same round. */
export type Round = Readonly<Record<string, Slice>>;
export interface Results {
  readonly bus: string;
  readonly programs: readonly string[];
  readonly saturated: readonly Round[];
  /** The chains of synthetic rules, saturated. */
  readonly hops: readonly Round[];
  /** 20 cases a second, open loop. */
  readonly calm: readonly Round[];
  /** Half of what each program reached, open loop. */
  readonly half: readonly Round[];
  readonly machine: string;
}
type Table = readonly (readonly string[])[];

const titles: Readonly<Record<string, string>> = {
  product: 'the product',
  bare: 'R0, bare loops',
  stock: 'stock NestJS + `save()`',
  'hops-6': '6 hops, synthetic rules',
  'hops-12': '12 hops, synthetic rules',
};
const rate = ({ cases, seconds }: Measured): number => cases / seconds;
const cpu = ({ nodeCpu, databaseCpu, brokerCpu, cases }: Measured): number => ((nodeCpu + databaseCpu + brokerCpu) * 1000) / cases;

/** Of a slice that scores; nothing of one that failed its check. */
const measuredOf = (slice: Slice | undefined): Measured | undefined => (slice && slice.failed === undefined ? slice.measured : undefined);

function middle(rounds: readonly Round[], program: string, of: (measured: Measured, slice: Slice) => number): number {
  return median(
    rounds.flatMap((round) => {
      const slice = round[program];
      const measured = measuredOf(slice);
      return slice && measured ? [of(measured, slice)] : [];
    }),
  );
}

/** `worst`: what a round counts in which the product failed its check. */
function paired(rounds: readonly Round[], other: string, of: (product: Measured, other: Measured) => number, worst = 0): Ratio | undefined {
  return ratioOf(
    rounds.flatMap((round) => {
      const [mine, theirs] = [measuredOf(round['product']), measuredOf(round[other])];
      if (round['product'] && !mine) return [worst];
      return mine && theirs ? [of(mine, theirs)] : [];
    }),
  );
}

/** 12 hops to 6, of the same engines: a pair in which either failed its check counts 0. */
const stretched = (rounds: readonly Round[], of: (long: Measured, short: Measured) => number): Ratio | undefined =>
  ratioOf(
    rounds.map((round) => {
      const [long, short] = [measuredOf(round['hops-12']), measuredOf(round['hops-6'])];
      return long && short ? of(long, short) : 0;
    }),
  );

const fixed = (value: number, digits = 1): string => (Number.isFinite(value) ? value.toFixed(digits) : '-');

function figures({ bus, programs, saturated, hops, calm, half }: Results): Table {
  const onKafka = <T>(...these: T[]): T[] => (bus === 'kafka' ? these : []);
  const row = (program: string, rounds: readonly Round[]): readonly string[] => {
    const of = (pick: (measured: Measured, slice: Slice) => number, digits = 1): string => fixed(middle(rounds, program, pick), digits);
    const late = (slow: readonly Round[], q: number): string =>
      fixed(
        middle(slow, program, ({ latencies }) => quantile(latencies, q)),
        0,
      );
    return [
      titles[program] ?? program,
      of(rate),
      of(({ nodeCpu, cases }) => (nodeCpu * 1000) / cases),
      of(({ databaseCpu, cases }) => (databaseCpu * 1000) / cases),
      ...onKafka(of(({ brokerCpu, cases }) => (brokerCpu * 1000) / cases)),
      of(({ statements, cases }) => statements / cases, 2),
      of(({ commits, cases }) => commits / cases, 2),
      of(({ walBytes, cases }) => walBytes / cases / 1024, 0),
      of((_, { rows: { inserted, updated, deleted } }) => inserted + updated + deleted, 0),
      ...onKafka(
        of(({ produceRequests, cases }) => produceRequests / cases, 2),
        of(({ fetchRequests, cases }) => fetchRequests / cases, 2),
      ),
      of(({ messages, batches }) => messages / Math.max(1, batches), 0),
      of(({ rss }) => rss / 1_048_576, 0),
      `${late(calm, 0.5)} / ${late(calm, 0.99)}`,
      `${late(half, 0.5)} / ${late(half, 0.99)}`,
    ];
  };
  const head = [
    'program',
    'cases/s',
    'node ms',
    'PostgreSQL ms',
    ...onKafka('Kafka ms'),
    'statements',
    'commits',
    'WAL KB',
    'rows written',
    ...onKafka('produce requests', 'fetch requests'),
    'messages a batch',
    'RSS MB',
    'p50 / p99 ms at 20/s',
    'at half',
  ];
  return [
    head,
    ...programs.map((program) => row(program, saturated)),
    ...(hops.length > 0 ? hopPrograms.map((program) => row(program, hops)) : []),
  ];
}

interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly ratio: Ratio | undefined;
  readonly met: (ratio: Ratio) => boolean;
}

function goals(results: Results): Table {
  const { saturated, hops, calm, half } = results;
  const p = (q: number) => (a: Measured, b: Measured) => quantile(a.latencies, q) / quantile(b.latencies, q);
  const commits = ratioOf(
    saturated.flatMap((round) => {
      const mine = measuredOf(round['product']);
      return mine ? [mine.commits / mine.cases / services.length] : [];
    }),
  );
  const burdened = ratioOf(
    half.flatMap((round, at) => {
      const [high, low] = [measuredOf(round['product']), measuredOf(calm[at]?.['product'])];
      return high && low ? [quantile(high.latencies, 0.99) / quantile(low.latencies, 0.99)] : [];
    }),
  );
  const all: readonly Goal[] = [
    {
      what: 'P1 cases/s: product / R0',
      wanted: '>= 0.65',
      ratio: paired(saturated, 'bare', (a, b) => rate(a) / rate(b)),
      met: ({ low }) => low >= 0.65,
    },
    {
      what: 'P1 by CPU a case: R0 / product',
      wanted: '>= 0.65',
      ratio: paired(saturated, 'bare', (a, b) => cpu(b) / cpu(a)),
      met: ({ low }) => low >= 0.65,
    },
    {
      what: 'P2 cases/s: product / stock NestJS',
      wanted: '>= 15',
      ratio: paired(saturated, 'stock', (a, b) => rate(a) / rate(b)),
      met: ({ low }) => low >= 15,
    },
    {
      what: 'P2 by CPU a case: stock NestJS / product',
      wanted: '>= 15',
      ratio: paired(saturated, 'stock', (a, b) => cpu(b) / cpu(a)),
      met: ({ low }) => low >= 15,
    },
    {
      what: 'P8 WAL a case: product / R0',
      wanted: '<= 1.3',
      ratio: paired(saturated, 'bare', (a, b) => a.walBytes / a.cases / (b.walBytes / b.cases), Infinity),
      met: ({ high }) => high <= 1.3,
    },
    { what: 'P9 commits a case and service', wanted: '<= 0.05', ratio: commits, met: ({ high }) => high <= 0.05 },
    {
      what: 'P10 cases/s: 12 hops / 6 hops',
      wanted: '>= 0.42',
      ratio: stretched(hops, (long, short) => rate(long) / rate(short)),
      met: ({ low }) => low >= 0.42,
    },
    {
      what: 'P10 by CPU a case: 6 hops / 12 hops',
      wanted: '>= 0.42',
      ratio: stretched(hops, (long, short) => cpu(short) / cpu(long)),
      met: ({ low }) => low >= 0.42,
    },
    {
      what: 'L1 p50 at 20 cases/s: product / R0',
      wanted: '<= 1.4',
      ratio: paired(calm, 'bare', p(0.5), Infinity),
      met: ({ high }) => high <= 1.4,
    },
    {
      what: 'L2 p99 at 20 cases/s: product / R0',
      wanted: '<= 2',
      ratio: paired(calm, 'bare', p(0.99), Infinity),
      met: ({ high }) => high <= 2,
    },
    {
      what: 'L4 p50 at 20 cases/s: product / stock NestJS',
      wanted: '<= 0.8',
      ratio: paired(calm, 'stock', p(0.5), Infinity),
      met: ({ high }) => high <= 0.8,
    },
    { what: 'L5 p99: half of saturation / 20 cases/s', wanted: '<= 8', ratio: burdened, met: ({ high }) => high <= 8 },
  ];
  return [
    ['goal', 'wanted', 'median', '90 % interval', 'pairs', ''],
    ...all.flatMap(({ what, wanted, ratio, met }) =>
      ratio && !Number.isNaN(ratio.median)
        ? [
            [
              what,
              wanted,
              fixed(ratio.median, 2),
              `${fixed(ratio.low, 2)} to ${fixed(ratio.high, 2)}`,
              String(ratio.pairs),
              met(ratio) ? 'met' : 'missed',
            ],
          ]
        : [],
    ),
  ];
}

function failures({ saturated, hops, calm, half }: Results): readonly string[] {
  const named: readonly (readonly [string, readonly Round[]])[] = [
    ['saturated', saturated],
    ['hops', hops],
    ['20 cases/s', calm],
    ['half', half],
  ];
  return named.flatMap(([name, rounds]) =>
    rounds.flatMap((round, at) =>
      Object.values(round).flatMap(({ program, failed }) =>
        failed === undefined ? [] : [`${name}, round ${at + 1}, ${program}: ${failed}`],
      ),
    ),
  );
}

/** A Markdown table whose columns line up on a terminal too: the first is text, the rest figures. */
function markdown(table: Table): string {
  const widths = (table[0] ?? []).map((_, at) => Math.max(...table.map((row) => (row[at] ?? '').length), 4));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (at === 0 ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width))).join(' | ')} |`;
  const [head = [], ...rows] = table;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

export function describe(results: Results): string {
  const rounds = results.saturated.length;
  const pairs = results.hops.length;
  const chained = pairs > 0 ? `; ${pairs} pairs of chains of ${results.hops[0]?.['hops-6']?.load.cases ?? 0} cases` : '';
  const cases = results.programs.map((program) => `${program} ${results.saturated[0]?.[program]?.load.cases ?? 0}`).join(', ');
  const failed = failures(results);
  const repeated = [...results.programs, ...hopPrograms].flatMap((program) => {
    const count = [...results.saturated, ...results.hops, ...results.calm, ...results.half].reduce(
      (sum, round) => sum + (round[program]?.repeated ?? 0),
      0,
    );
    return count > 0 ? [`${program} ${count}`] : [];
  });
  return [
    `Bus: ${results.bus}. ${results.machine}. ${rounds} rounds; cases a slice: ${cases}${chained}. CPU, statements, commits, WAL, rows and requests are per case.`,
    markdown(figures(results)),
    markdown(goals(results)),
    failed.length > 0
      ? `Slices that failed their check score 0:\n\n${failed.map((one) => `- ${one}`).join('\n')}`
      : 'Every slice passed its check.',
    ...(repeated.length > 0
      ? [`Records sent again after a late answer, which lay on a topic twice and counted once: ${repeated.join(', ')}.`]
      : []),
  ].join('\n\n');
}

const markOf = (bus: string): readonly [string, string] => [`<!-- pipeline ${bus}: begin -->`, `<!-- pipeline ${bus}: end -->`];

/** Replaces the tables of the bus in the document. @throws {Error} it has no place for them. */
export async function writeInto(file: string, results: Results): Promise<void> {
  const text = await readFile(file, 'utf8');
  const [begin, end] = markOf(results.bus);
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no lines ${begin} and ${end}: put them where the tables belong`);
  await writeFile(file, `${text.slice(0, from + begin.length)}\n\n${describe(results)}\n\n${text.slice(to)}`);
}
