/**
 * Every service dies at every crash point that it has, once, in one long-lived system of six processes with recoveries under way. The
 * process kills itself (SIGKILL) in the instant in which it comes to the point; the launcher starts it again. Embedded bus.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { crashPoints, crashPointsOf, type CrashPoint } from '@readmit/bus';
import { services, type ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Crashes, type Crash } from './crashes.js';
import { judge } from './gather.js';
import { enrol, drive, open, type Recovery } from './recoveries.js';
import { house, startWorld } from './stand.js';
import { TargetWatch } from './target-watch.js';
import { Traffic } from './traffic.js';

const logins = Array.from({ length: 200 }, (_, index) => `fault_${index + 1}`);
/** Whoever is picked up from makes execution answer commands. */
const bypasses = ['ada', 'pat', 'dana'].map((object): Recovery => ({ kind: 'bypass', object, caseId: '' }));
/** The launcher gives up what starts ten times within a minute. */
const mostInAMinute = 7;
const hitWithinMs = 120_000;

let crashes: Crashes;
let world: Awaited<ReturnType<typeof startWorld>>;
let watch: TargetWatch;
beforeAll(async () => {
  crashes = await Crashes.prepare(house);
  world = await startWorld({ processes: true, logins, appsDir: crashes.appsDir });
}, 120_000);
afterAll(async () => {
  await watch?.close();
  await world?.stop();
  await crashes?.remove();
}, 120_000);

/** All points of one service, one after the other; each kill is followed by a whole start. People's commands come when they come: armed all the while. */
async function killAtEach(service: ServiceName): Promise<void> {
  const byCommand: Crash = { service, point: 'command.after-commit-before-answer' };
  const points = crashPointsOf(service).filter((point) => point !== byCommand.point);
  const hasCommands = points.length < crashPointsOf(service).length;
  const kills: number[] = [];
  if (hasCommands) await crashes.arm(byCommand);
  for (const point of points) {
    await until(() => kills.filter((at) => performance.now() - at < 60_000).length < mostInAMinute, {
      what: `${service} may be started again`,
      timeoutMs: 60_000,
    });
    const before = world.system.pidOf(service);
    let asked: number | undefined;
    await crashes.arm({ service, point });
    const dies = async (): Promise<boolean> => {
      const pid = world.system.pidOf(service);
      if (point === 'drain.during' && asked !== pid) askToStop((asked = pid));
      return (await crashes.hitsOf({ service, point })) > 0;
    };
    await until(dies, { what: `${service} dies at ${point}`, timeoutMs: hitWithinMs });
    kills.push(performance.now());
    await until(() => world.system.pidOf(service) !== before, { what: `${service} runs again`, timeoutMs: 120_000 });
  }
  if (hasCommands)
    await until(async () => (await crashes.hitsOf(byCommand)) > 0, { what: `${service} dies in a command`, timeoutMs: hitWithinMs });
}
/** It may have died by a command in this very instant: then its successor is asked. */
function askToStop(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
const named = ({ service, point }: Crash): string => `${service} at ${point}`;

describe('SIGKILL at every crash point of every service', () => {
  it('R6.1 R6.2 R8.1 every case reaches its end, and log, topics and targets agree', async () => {
    const began = performance.now();
    const checkpoint = path.join(world.system.stateDir, 'before.checkpoint');
    watch = await TargetWatch.start(
      world.system,
      bypasses.map(({ object }) => object),
    );
    for (const recovery of bypasses) await open(world, recovery, '90s');
    await world.stage.done('gita', ['audit', 'checkpoint', '--save', checkpoint], { quiet: true });
    const traffic = new Traffic(world, logins, () => '15s');
    traffic.start(4);
    const picking = (async (): Promise<void> => {
      for (const recovery of bypasses) {
        await drive(world, recovery);
        await enrol(world, recovery);
      }
    })();
    await Promise.all([picking, ...services.map(killAtEach)]);
    const killed = performance.now();
    await traffic.stop();
    const recoveries = [...bypasses, ...traffic.recoveries];
    await until(async () => (await world.witness.count('readmit.case.closed')) >= recoveries.length, {
      what: 'all cases are closed',
      timeoutMs: 120_000,
    }).catch(() => undefined);
    const held = await watch.end((object) => traffic.caseOf(object));
    const { violations, evidence } = await judge(world, { recoveries, held, checkpoint, graceSeconds: 60 });
    const hits = await crashes.hits();
    const failed = traffic.ended.flatMap(({ recovery, failed }) => (failed === undefined ? [] : [`${recovery.caseId}: ${failed}`]));
    process.stdout.write(
      `${hits.length} kills in ${((killed - began) / 1000).toFixed(0)} s, ${recoveries.length} cases (${failed.length} refused), ` +
        `${evidence.log.length} entries, all in ${((performance.now() - began) / 1000).toFixed(0)} s\n${failed.map((line) => `  ${line.slice(0, 300)}\n`).join('')}`,
    );
    expect(violations).toEqual([]);
    expect(hits.map(named).sort()).toEqual(
      services.flatMap((service) => crashPointsOf(service).map((point) => named({ service, point }))).sort(),
    );
    expect(held.length).toBeGreaterThanOrEqual(bypasses.length + 5);
    // Most went the whole way: what is only ever refused shows nothing.
    expect(failed.length).toBeLessThan(recoveries.length / 2);
  }, 600_000);
});

describe('the registry of crash points', () => {
  const sources = async (): Promise<readonly { readonly file: string; readonly text: string }[]> => {
    const files: { file: string; text: string }[] = [];
    for (const root of ['apps', 'libs'])
      for (const entry of await readdir(path.join(house, root), { recursive: true, withFileTypes: true })) {
        const file = path.relative(house, path.join(entry.parentPath, entry.name));
        if (/\/src\/.*\.ts$/.test(file) && !file.includes('/dist/') && !file.endsWith('.spec.ts'))
          files.push({ file, text: await readFile(path.join(house, file), 'utf8') });
      }
    return files;
  };
  it('R8.1 has exactly the points that the code has', async () => {
    const found = (await sources()).flatMap(({ text }) =>
      [...text.matchAll(/\bcrashPoint\('([^']+)'\)/g)].map(([, name]) => name as CrashPoint),
    );
    expect([...new Set(found)].sort()).toEqual(Object.keys(crashPoints).sort());
  });
  it('R8.1 is written down in docs/faults.md, each point in its row', async () => {
    const rows = [...(await readFile(path.join(house, 'docs/faults.md'), 'utf8')).matchAll(/^\| `([a-z]+\.[a-z-]+)`/gm)].map(
      ([, name]) => name,
    );
    expect(rows.sort()).toEqual(Object.keys(crashPoints).sort());
  });
  it('R8.1 is switched on by no program: only the file that has the hook names what installs it', async () => {
    const naming = (await sources()).filter(({ text }) => text.includes('installCrashHook')).map(({ file }) => file);
    expect(naming).toEqual(['libs/bus/src/engine/crash-points.ts']);
  });
});
