/** Slices to tables, on the terminal and in docs/benchmarks.md. */
import { services } from '@readmit/contracts';
import { readFile, writeFile } from 'node:fs/promises';
import type { Slice } from './arena.js';
import { hopPrograms } from './chain.js';
import type { Measured } from './load.js';
import { goals } from './goals.js';
import { fixed, measuredOf, rate, type Results, type Round, type Table } from './results.js';
import { median, quantile } from './statistics.js';

const titles: Readonly<Record<string, string>> = {
  product: 'the product',
  six: 'the product, six processes',
  bare: 'R0, bare loops',
  stock: 'stock NestJS + `save()`',
  'hops-6': '6 hops, synthetic rules',
  'hops-12': '12 hops, synthetic rules',
};

function middle(rounds: readonly Round[], program: string, of: (measured: Measured, slice: Slice) => number): number {
  return median(
    rounds.flatMap((round) => {
      const slice = round[program];
      const measured = measuredOf(slice);
      return slice && measured ? [of(measured, slice)] : [];
    }),
  );
}

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

/** Of the program whose services have a process each. */
function byProcess({ bus, programs, saturated, calm }: Results): Table | undefined {
  if (!programs.includes('six')) return undefined;
  const row = (name: string, of: (measured: Measured) => number): readonly string[] => {
    const each = (rounds: readonly Round[]): string => fixed(middle(rounds, 'six', (measured) => (of(measured) * 1000) / measured.cases));
    return [name, each(saturated), each(calm)];
  };
  return [
    ['CPU ms a case, six processes', 'saturated', 'at 20/s'],
    ...services.map((service) => row(service, ({ serviceCpu }) => serviceCpu?.[service] ?? NaN)),
    row('PostgreSQL', ({ databaseCpu }) => databaseCpu),
    ...(bus === 'kafka' ? [row('Kafka', ({ brokerCpu }) => brokerCpu)] : []),
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
  const shares = byProcess(results);
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
    ...(shares ? [markdown(shares)] : []),
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
