/**
 * `npm run bench -- pipeline`: whole cases through the product compared with bare loops that do the same steps (R0, the ceiling) and with the
 * stock NestJS way, and chains of six and of twelve hops in alternation, on topics in PostgreSQL or on a real Kafka. One PostgreSQL, a process
 * for each program, rounds that alternate in direction, a fresh database for each slice, and a check of what each slice left: one that fails
 * scores 0.
 */
import os from 'node:os';
import { parseArgs } from 'node:util';
import { Arena, type BusKind, type Slice } from './pipeline/arena.js';
import { hopPrograms } from './pipeline/chain.js';
import type { Load } from './pipeline/load.js';
import { describe, writeInto } from './pipeline/report.js';
import type { Round } from './pipeline/results.js';
import { profileSlice } from './pipeline/profile.js';
import { median } from './pipeline/statistics.js';
import { traceCase } from './pipeline/trace.js';
import { makePeople } from './people.js';

const document = 'docs/benchmarks.md';
const known = ['product', 'six', 'bare', 'stock'] as const;
const fewestCases = 50;
/** Of an open loop: the stock way does less than one a second on a busy machine. */
const fewestLate = 20;

const { values } = parseArgs({
  options: {
    bus: { type: 'string', default: 'embedded' },
    programs: { type: 'string', default: known.join(',') },
    pairs: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '12' },
    'warm-up': { type: 'string', default: '300' },
    /** Cases a slice of product, R0 and the chains, instead of as many as take the seconds; a profile needs it. */
    cases: { type: 'string' },
    'latency-pairs': { type: 'string', default: '3' },
    'latency-seconds': { type: 'string', default: '20' },
    /** Of six hops and twelve; 0 leaves them out. */
    'hop-pairs': { type: 'string', default: '5' },
    write: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
  allowPositionals: true,
});

function whole(option: 'pairs' | 'seconds' | 'warm-up' | 'cases' | 'latency-pairs' | 'latency-seconds' | 'hop-pairs', least = 1): number {
  const value = Number(values[option]);
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`--${option} takes a whole number of at least ${least}, not ${JSON.stringify(values[option])}`);
  return value;
}

function programsAsked(): readonly string[] {
  const asked = values.programs.split(',');
  const unknown = asked.find((one) => !known.some((name) => name === one));
  if (unknown !== undefined || !asked.includes('product'))
    throw new RangeError(
      `--programs takes product and any of ${known.join(', ')}, separated by commas, not ${JSON.stringify(values.programs)}`,
    );
  return asked;
}

function busAsked(): BusKind {
  const { bus } = values;
  if (bus === 'embedded' || bus === 'kafka') return bus;
  throw new RangeError(`--bus takes embedded or kafka, not ${JSON.stringify(bus)}`);
}

async function run(): Promise<number> {
  const bus = busAsked();
  if (values.profile !== undefined) return profile(values.profile, bus);
  const programs = programsAsked();
  const [pairs, seconds, warmUp, latencyPairs, latencySeconds, hopPairs] = [
    whole('pairs'),
    whole('seconds'),
    whole('warm-up', fewestCases),
    whole('latency-pairs', 0),
    whole('latency-seconds'),
    whole('hop-pairs', 0),
  ];
  const cases = values.cases === undefined ? undefined : whole('cases');
  const arena = await Arena.open({ bus });
  try {
    process.stdout.write('tracing a case\n');
    arena.script = await arena.withDatabase((place) => traceCase({ ...place, people: makePeople(10) }));
    const rates: Record<string, number> = {};
    for (const program of [...programs, ...(hopPairs > 0 ? hopPrograms : [])]) {
      // The stock way needs no warm code to be slow.
      const slice = await play(arena, program, { cases: program === 'stock' ? fewestCases : warmUp }, 'warm-up');
      if (!slice.measured || slice.failed !== undefined) throw new Error(`the warm-up of ${program} failed: ${slice.failed}`);
      rates[program] = slice.measured.cases / slice.measured.seconds;
    }
    const rounds = async (
      count: number,
      loadOf: (program: string) => Load,
      name: string,
      of: readonly string[] = programs,
    ): Promise<Round[]> => {
      const done: Round[] = [];
      for (let round = 0; round < count; round++) {
        const slices: Record<string, Slice> = {};
        for (const program of round % 2 === 0 ? of : [...of].reverse())
          slices[program] = await play(arena, program, loadOf(program), `${name} ${round + 1}`);
        done.push(slices);
      }
      return done;
    };
    // The same backlog for product and ceiling, because batches are as large as the backlog lets them be. The stock way makes none.
    const mostOf = (program: string): number => Math.max(fewestCases, Math.round((rates[program] ?? 0) * seconds));
    const saturated = await rounds(
      pairs,
      (program) => ({ cases: program === 'stock' ? mostOf(program) : (cases ?? mostOf('product')) }),
      'saturated',
    );
    // The same cases in both: the shorter chain takes the seconds, the longer what it takes.
    const hops = await rounds(hopPairs, () => ({ cases: cases ?? mostOf('hops-6') }), 'hops', hopPrograms);
    const reached = (program: string): number =>
      median(
        saturated.flatMap(({ [program]: slice }) =>
          slice?.measured && slice.failed === undefined ? [slice.measured.cases / slice.measured.seconds] : [],
        ),
      );
    // Who cannot do 20 a second would only queue.
    const quick = programs.filter((program) => reached(program) > 25);
    const calm = await rounds(latencyPairs, () => ({ cases: 20 * latencySeconds, perSecond: 20 }), '20 cases/s', quick);
    const half = await rounds(
      latencyPairs,
      (program) => ({ cases: Math.max(fewestLate, Math.round((reached(program) / 2) * latencySeconds)), perSecond: reached(program) / 2 }),
      'half',
    );
    const machine = `Measured on ${new Date().toISOString().slice(0, 10)}, ${os.availableParallelism()} cores (${os.cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}, load at the end ${os.loadavg()[0]?.toFixed(1)}`;
    const results = { bus, programs, saturated, hops, calm, half, machine };
    process.stdout.write(`\n${describe(results)}\n`);
    if (values.write) await writeInto(document, results);
    return [...saturated, ...hops, ...calm, ...half].some((round) => Object.values(round).some(({ failed }) => failed !== undefined))
      ? 1
      : 0;
  } finally {
    await arena.close();
  }
}

/** What costs what in one program; nothing is compared. */
async function profile(program: string, bus: BusKind): Promise<number> {
  const profiled: readonly string[] = [...known, ...hopPrograms];
  if (!profiled.includes(program)) throw new RangeError(`--profile takes one of ${profiled.join(', ')}, not ${JSON.stringify(program)}`);
  const arena = await Arena.open({ bus, statements: true });
  try {
    arena.script = await arena.withDatabase((place) => traceCase({ ...place, people: makePeople(10) }));
    process.stdout.write(`${await profileSlice(arena, program, whole('cases'))}\n`);
    return 0;
  } finally {
    await arena.close();
  }
}

async function play(arena: Arena, program: string, load: Load, name: string): Promise<Slice> {
  const slice = await arena.slice(program, load);
  const { measured, failed } = slice;
  const says = measured
    ? `${(measured.cases / measured.seconds).toFixed(1)} cases/s, ${((measured.nodeCpu * 1000) / measured.cases).toFixed(1)} ms node, ${((measured.databaseCpu * 1000) / measured.cases).toFixed(1)} ms PostgreSQL${measured.brokerCpu > 0 ? `, ${((measured.brokerCpu * 1000) / measured.cases).toFixed(1)} ms Kafka` : ''} a case`
    : '';
  process.stdout.write(`${name}: ${program}, ${load.cases} cases: ${failed === undefined ? says : `FAILED ${failed}`}\n`);
  return slice;
}

process.exitCode = await run();
