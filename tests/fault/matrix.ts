/**
 * `npm run fault`: many faults in one long-lived system of six processes with recoveries in progress; then the checker judges the result. Exits
 * with 1 if anything is wrong. docs/faults.md explains what it proves and what it does not.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Bus } from '@readmit/bus';
import { until } from '@readmit/testing';
import { Crashes } from './crashes.js';
import { Faults } from './faults.js';
import { judge } from './gather.js';
import { Injector } from './injector.js';
import { forked, seeded } from './random.js';
import { workspace, startWorld } from './world.js';
import { TargetWatch } from './target-watch.js';
import { Traffic } from './traffic.js';

const usage = 'usage: npm run fault -- [--bus embedded|kafka] [--faults 2000] [--minutes 30] [--seed <n>] [--cases 12] [--report <file>]';

interface Options {
  readonly bus: Bus['kind'];
  readonly faults: number;
  readonly minutes: number;
  readonly seed: number;
  /** Recoveries that people drive at the same time, in addition to grants that wait for their end. */
  readonly atOnce: number;
  readonly report: string;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      bus: { type: 'string', default: 'embedded' },
      faults: { type: 'string', default: '2000' },
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      cases: { type: 'string', default: '12' },
      report: { type: 'string' },
    },
  });
  const { bus } = values;
  if (bus !== 'embedded' && bus !== 'kafka') throw new Error(`--bus ${bus}: there is no such bus; use embedded or kafka`);
  const whole = (name: 'faults' | 'minutes' | 'seed' | 'cases', max: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < (name === 'seed' ? 0 : 1) || value > max)
      throw new Error(`--${name} ${values[name]}: use a whole number up to ${max}`);
    return value;
  };
  const seed = whole('seed', 2 ** 32 - 1);
  return {
    bus,
    faults: whole('faults', 100_000),
    minutes: whole('minutes', 24 * 60),
    seed,
    atOnce: whole('cases', 50),
    report: values.report ?? path.join(workspace, '.readmit', 'fault', `${bus}-seed-${seed}.json`),
  };
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const logins = Array.from({ length: 1200 }, (_, index) => `fault_${index + 1}`);
/** Shortest duration of a grant in seconds: on Kafka each crash takes 10 s more. */
const shortest = { embedded: 10, kafka: 20 } as const;
const people = Array.from({ length: 60 }, (_, index) => `person-${index + 1}`);

async function run(options: Options): Promise<boolean> {
  const random = seeded(options.seed);
  const chance = forked(random);
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 1000);
  print(
    `seed ${options.seed}, bus ${options.bus}, up to ${options.faults} faults or ${options.minutes} minutes, ${options.atOnce} cases driven at once`,
  );
  const crashes = await Crashes.prepare(workspace);
  const world = await startWorld({ processes: true, bus: options.bus, logins, people, appsDir: crashes.appsDir });
  let watch: TargetWatch | undefined;
  try {
    print(`${seconds()} s: six processes run`);
    const checkpoint = path.join(world.system.stateDir, 'before.checkpoint');
    const watching = (watch = await TargetWatch.start(world.system, []));
    const traffic = new Traffic(world, {
      logins,
      people,
      duration: () => `${shortest[options.bus] + Math.floor(chance() * 15)}s`,
      onPerson: (person) => watching.follow(person),
    });
    traffic.start(options.atOnce);
    // A log has no checkpoint until it has an entry.
    await until(async () => (await world.stage.cli('gita', ['audit', 'checkpoint', '--save', checkpoint], { quiet: true })).code === 0, {
      what: 'the log has a checkpoint',
    });
    const faults = new Faults(world);
    const injector = new Injector({
      ...{ world, crashes, faults, random, bus: options.bus },
      until: performance.now() + options.minutes * 60_000,
      limit: options.faults,
    });
    const progress = setInterval(() => print(`${seconds()} s: ${injector.summary()}, ${traffic.ended.length} cases driven`), 30_000);
    const signedIn = setInterval(() => void signIn(), 240_000);
    const signIn = async (): Promise<void> => {
      for (const persona of ['boris', 'chidi', 'dana', 'erin', 'gita'])
        await world.stage.cli(persona, ['login', '--as', persona], { quiet: true });
    };
    let broken: string | undefined;
    void world.system.broken.then((message) => (broken = message));
    try {
      await injector.run(() => broken === undefined);
    } finally {
      clearInterval(progress);
      clearInterval(signedIn);
    }
    const injectedIn = seconds();
    print(`${injectedIn} s: no more faults; waiting until all cases have ended`);
    await traffic.stop();
    await signIn();
    // Every case that was opened, even if the response was lost: all must have ended before the last poll of the targets.
    let open = await world.witness.openCases();
    await until(async () => (open = await world.witness.openCases()).length === 0, {
      what: 'all cases have ended',
      timeoutMs: 300_000,
    }).catch(() => print(`${seconds()} s: ${open.length} cases have not ended: ${open.join(' ')}`));
    const endedIn = seconds();
    // The last obligations may not be in the log yet.
    await delay(1_000);
    const held = await watch.end((object) => traffic.caseOf(object));
    const { violations, evidence } = await judge(world, { recoveries: traffic.recoveries, held, checkpoint, graceSeconds: 90 });
    const opened = new Set(evidence.topics.filter(({ type }) => type === 'readmit.case.opened').map(({ key }) => key)).size;
    await faults.close();
    const failed = traffic.ended.filter((one) => one.failed !== undefined);
    const report = {
      seed: options.seed,
      bus: options.bus,
      faults: injector.injected.length,
      kills: injector.kills,
      byKind: countBy(injector.injected, ({ kind }) => kind),
      points: countBy(
        injector.injected.filter(({ kind }) => kind === 'kill at point'),
        ({ where }) => where,
      ),
      neverHit: injector.neverHit(),
      cases: opened,
      succeeded: evidence.log.filter(({ type }) => type === 'readmit.execution.succeeded').length,
      refused: failed.map(({ recovery, failed }) => `${recovery.caseId} ${recovery.object}: ${failed?.slice(0, 400)}`),
      grantsSeen: held.length,
      entries: evidence.log.length,
      records: evidence.topics.length,
      seconds: { injecting: injectedIn, ending: endedIn - injectedIn, all: seconds() },
      broken: broken ?? null,
      violations,
      injected: injector.injected,
    };
    await mkdir(path.dirname(options.report), { recursive: true });
    await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
    show(report, options.report);
    return violations.length === 0 && report.neverHit.length === 0 && broken === undefined;
  } finally {
    await watch?.close();
    await world.stop();
    await crashes.remove();
  }
}

const countBy = <T>(things: readonly T[], nameOf: (thing: T) => string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const thing of things) counts[nameOf(thing)] = (counts[nameOf(thing)] ?? 0) + 1;
  return counts;
};
function show(report: Readonly<Record<string, unknown>> & { readonly violations: readonly unknown[] }, file: string): void {
  for (const name of [
    'seed',
    'bus',
    'faults',
    'kills',
    'byKind',
    'cases',
    'succeeded',
    'grantsSeen',
    'entries',
    'records',
    'seconds',
    'neverHit',
    'broken',
  ])
    print(`${name}: ${JSON.stringify(report[name])}`);
  print(`refused or not completed: ${(report['refused'] as readonly string[]).length}`);
  print(`violations: ${report.violations.length}`);
  for (const violation of report.violations.slice(0, 20)) print(`  ${JSON.stringify(violation)}`);
  const neverHit = (report['neverHit'] as readonly string[]).length;
  if (neverHit > 0) print(`${neverHit} points were never hit, so the run proves nothing about them and fails; use more --minutes`);
  print(`report: ${file}`);
}

try {
  process.exitCode = (await run(readOptions())) ? 0 : 1;
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 2;
}
