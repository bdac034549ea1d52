/** The goals of docs/benchmarks.md, compared to the measurements. */
import { services } from '@readmit/contracts';
import type { Measured } from './load.js';
import { cpu, fixed, measuredOf, rate, type Results, type Round, type Table } from './results.js';
import { quantile, ratioOf, type Ratio } from './statistics.js';

interface Goal {
  readonly what: string;
  readonly wanted: string;
  readonly ratio: Ratio | undefined;
  readonly met: (ratio: Ratio) => boolean;
}

/** `worst`: what a round counts in which ours failed its check. */
function paired(
  rounds: readonly Round[],
  other: string,
  of: (ours: Measured, other: Measured) => number,
  worst = 0,
  ours = 'product',
): Ratio | undefined {
  return ratioOf(
    rounds.flatMap((round) => {
      const [mine, theirs] = [measuredOf(round[ours]), measuredOf(round[other])];
      if (round[ours] && !mine) return [worst];
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

export function goals(results: Results): Table {
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
      what: 'P1 cases/s: six processes / R0',
      wanted: '>= 0.65',
      ratio: paired(saturated, 'bare', (a, b) => rate(a) / rate(b), 0, 'six'),
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
