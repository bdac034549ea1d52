/**
 * Every service is killed once at each of its crash points on the bus, in one long-lived system of six processes with recoveries in progress.
 * The process kills itself (SIGKILL) when it reaches the point; the launcher starts it again.
 */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { crashPointsOf, type CrashPoint } from '@readmit/platform';
import type { Bus } from '@readmit/bus';
import { services, type ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import path from 'node:path';
import { Crashes, stepsOf, type Crash } from './crashes.js';
import { Faults } from './faults.js';
import { judge } from './gather.js';
import { enrol, drive, open, type Recovery } from './recoveries.js';
import { workspace, startWorld } from './world.js';
import { TargetWatch } from './target-watch.js';
import { Traffic } from './traffic.js';

const logins = Array.from({ length: 200 }, (_, index) => `fault_${index + 1}`);
/** The launcher gives up on a process that starts ten times within a minute. */
const maxPerMinute = 8;
const hitWithinMs = 180_000;
/**
 * Duration of the grants. A bypass ends when the new factor is enrolled, so its duration only has to be long enough for the slowest machine. On
 * Kafka each of several crashes of execution takes 10 s more.
 */
const durations = { embedded: { bypass: '15m', role: '15s' }, kafka: { bypass: '15m', role: '30s' } } as const;
/** Points that are reached only when a person sends a command or a grant ends: they stay armed during the others. */
const late: readonly CrashPoint[] = ['command.after-commit-before-answer', 'wakes.before-due'];

const nameOf = ({ service, point }: Crash): string => `${service} at ${point}`;

/** One such system, started before the tests of its block and stopped after them. */
export class CrashRun {
  private readonly bus: Bus['kind'];
  /** Execution answers commands only when people pick up their secrets. */
  private readonly bypasses = ['ada', 'pat', 'dana'].map((object): Recovery => ({ kind: 'bypass', object, caseId: '' }));
  private crashes!: Crashes;
  private world!: Awaited<ReturnType<typeof startWorld>>;
  private watch!: TargetWatch;
  private faults!: Faults;
  private traffic: Traffic | undefined;

  constructor(bus: Bus['kind']) {
    this.bus = bus;
    beforeAll(async () => {
      this.crashes = await Crashes.prepare(workspace);
      this.world = await startWorld({ processes: true, bus, logins, appsDir: this.crashes.appsDir });
      this.faults = new Faults(this.world);
    }, 240_000);
    afterAll(async () => {
      this.traffic?.quit();
      await this.watch?.close();
      await this.world?.stop();
      await this.crashes?.remove();
    });
  }

  async expectNoViolations(): Promise<void> {
    const { world, crashes, bypasses, bus } = this;
    const began = performance.now();
    const checkpoint = path.join(world.system.stateDir, 'before.checkpoint');
    this.watch = await TargetWatch.start(
      world.system,
      bypasses.map(({ object }) => object),
    );
    for (const recovery of bypasses) await open(world, recovery, durations[bus].bypass);
    await world.stage.done('gita', ['audit', 'checkpoint', '--save', checkpoint], { quiet: true });
    const traffic = (this.traffic = new Traffic(world, { logins, duration: () => durations[bus].role }));
    traffic.start(4);
    const picking = (async (): Promise<void> => {
      for (const recovery of bypasses) {
        await drive(world, recovery);
        await enrol(world, recovery);
      }
    })();
    await Promise.all([picking, ...services.map((service) => this.killAtEach(service))]);
    const killed = performance.now();
    await traffic.stop();
    const recoveries = [...bypasses, ...traffic.recoveries];
    await until(async () => (await world.witness.openCases()).length === 0, { what: 'all cases are closed', timeoutMs: 240_000 });
    const held = await this.watch.end((object) => traffic.caseOf(object));
    const { violations, evidence } = await judge(world, { recoveries, held, checkpoint, graceSeconds: 60 });
    const hits = await crashes.hits();
    const failed = traffic.ended.flatMap(({ recovery, failed }) => (failed === undefined ? [] : [`${recovery.caseId}: ${failed}`]));
    process.stdout.write(
      `${bus}: ${hits.length} kills in ${((killed - began) / 1000).toFixed(0)} s, ${recoveries.length} cases (${failed.length} refused), ` +
        `${evidence.log.length} entries, all in ${((performance.now() - began) / 1000).toFixed(0)} s\n${failed.map((line) => `  ${line.slice(0, 300)}\n`).join('')}`,
    );
    expect(violations).toEqual([]);
    expect([...new Set(hits.map(nameOf))].sort()).toEqual(
      services.flatMap((service) => crashPointsOf(service, bus).map((point) => nameOf({ service, point }))).sort(),
    );
    expect(held.length).toBeGreaterThanOrEqual(bypasses.length + 5);
    expect(evidence.outbox === undefined ? 'embedded' : 'kafka').toBe(bus);
    // Most were completed: refused cases would show nothing.
    expect(failed.length).toBeLessThan(recoveries.length / 2);
  }

  /** All points of one service, step by step; after each kill the service starts completely. */
  private async killAtEach(service: ServiceName): Promise<void> {
    const { crashes, world, faults } = this;
    const steps = stepsOf(service, this.bus);
    const isLate = (step: readonly CrashPoint[]): boolean => step.some((point) => late.includes(point));
    const latePoints = steps.filter(isLate).flat();
    for (const point of latePoints) await crashes.arm({ service, point });
    const kills: number[] = [];
    for (const step of steps.filter((step) => !isLate(step))) {
      await until(() => kills.filter((at) => performance.now() - at < 60_000).length + step.length + latePoints.length <= maxPerMinute, {
        what: `${service} may be killed again`,
      });
      const before = world.system.pidOf(service);
      let drained: number | undefined;
      for (const point of step) await crashes.arm({ service, point });
      for (const point of step) {
        const dies = async (): Promise<boolean> => {
          const pid = world.system.pidOf(service);
          // It may just have died at another point: then its successor is stopped.
          if (point === 'drain.during' && drained !== pid) {
            drained = pid;
            faults.drain(service);
          }
          return (await crashes.hitsOf({ service, point })) > 0;
        };
        await until(dies, { what: `${service} dies at ${point}`, timeoutMs: hitWithinMs });
        kills.push(performance.now());
      }
      await until(() => world.system.pidOf(service) !== before, { what: `${service} runs again`, timeoutMs: 120_000 });
    }
    for (const point of latePoints)
      await until(async () => (await crashes.hitsOf({ service, point })) > 0, {
        what: `${service} dies at ${point}`,
        timeoutMs: hitWithinMs,
      });
  }
}
