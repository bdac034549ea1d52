import { setTimeout as delay } from 'node:timers/promises';
import { crashPointsOf } from '@readmit/bus';
import { services, type ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import type { Crash, Crashes } from './crashes.js';
import type { Faults } from './faults.js';
import { forked, pick, shuffled } from './random.js';
import type { World } from './recoveries.js';

export interface Injected {
  readonly kind: 'kill at point' | 'kill anywhere' | 'backends terminated' | 'records repeated' | 'paused' | 'database restarted';
  readonly where: string;
  /** Seconds since the first. */
  readonly at: number;
  /** How many records, backends or milliseconds. */
  readonly size: number;
}
export interface InjectorOptions {
  readonly world: World;
  readonly crashes: Crashes;
  readonly faults: Faults;
  readonly random: () => number;
  /** Of `performance.now()`. */
  readonly until: number;
  readonly most: number;
}

/** The launcher gives up what starts ten times within a minute: a crash loop is a fault of another kind. */
const mostStartsInAMinute = 8;
/** A point that is not reached in that time waits for its next turn. */
const hitWithinMs = 12_000;
/** So many services may be away at the same time. */
const killers = 4;
const databaseEveryMs = 60_000;

/** Says when which fault comes: kills at every point, as fast as the launcher starts again what died, and the others in between. */
export class Injector {
  readonly injected: Injected[] = [];
  private readonly began = performance.now();
  private readonly options: InjectorOptions;
  /** Killed or paused by somebody just now. */
  private readonly busy = new Set<ServiceName>();
  private readonly starts = new Map<ServiceName, number[]>();
  private turn: Crash[] = [];
  private readonly turns: () => number;
  private databaseAt = performance.now() + databaseEveryMs / 2;
  private healthy: () => boolean = () => true;

  constructor(options: InjectorOptions) {
    this.options = options;
    this.turns = forked(options.random);
  }

  get kills(): number {
    return this.injected.filter(({ kind, where }) => kind.startsWith('kill') || where === 'SIGKILL').length;
  }
  says(): string {
    return `${this.injected.length} faults, ${this.kills} kills`;
  }

  /** Until there are enough, the time is over or the system is given up. */
  async run(healthy: () => boolean): Promise<void> {
    this.healthy = healthy;
    await Promise.all([...Array.from({ length: killers }, () => this.killing()), this.others()]);
  }

  private get going(): boolean {
    return this.injected.length < this.options.most && performance.now() < this.options.until && this.healthy();
  }
  private note(kind: Injected['kind'], where: string, size: number): void {
    if (size > 0) this.injected.push({ kind, where, at: Math.round((performance.now() - this.began) / 100) / 10, size });
  }

  private async killing(): Promise<void> {
    while (this.going) {
      const crash = this.next();
      if (!crash) {
        await delay(100);
        continue;
      }
      this.busy.add(crash.service);
      try {
        await this.killAt(crash);
      } finally {
        this.busy.delete(crash.service);
      }
    }
  }

  /** The first of this round whose service is there and may be started again; every round has every point, in an order of its own. */
  private next(): Crash | undefined {
    if (this.turn.length === 0)
      this.turn = shuffled(
        services.flatMap((service) => crashPointsOf(service).map((point) => ({ service, point }))),
        this.turns,
      );
    const found = this.turn.findIndex(({ service }) => !this.busy.has(service) && this.mayDie(service));
    return found < 0 ? undefined : this.turn.splice(found, 1)[0];
  }
  private mayDie(service: ServiceName): boolean {
    const recent = (this.starts.get(service) ?? []).filter((at) => performance.now() - at < 60_000);
    this.starts.set(service, recent);
    return recent.length < mostStartsInAMinute;
  }

  private async killAt(crash: Crash): Promise<void> {
    const { world, crashes, faults } = this.options;
    const { service, point } = crash;
    const pid = world.system.pidOf(service) ?? 0;
    const before = await crashes.hitsOf(crash);
    await crashes.arm(crash);
    if (point === 'drain.during') process.kill(pid, 'SIGTERM');
    const hit = await until(async () => (await crashes.hitsOf(crash)) > before, { what: 'it dies', timeoutMs: hitWithinMs }).catch(
      () => false,
    );
    if (!hit) {
      // Nothing brings it there just now: then it dies where it is.
      await crashes.disarm(crash);
      if ((await crashes.hitsOf(crash)) === before) {
        this.note('kill anywhere', service, faults.kill(service));
        this.turn.push(crash);
      } else this.note('kill at point', `${service} ${point}`, 1);
    } else this.note('kill at point', `${service} ${point}`, 1);
    this.starts.get(service)?.push(performance.now());
    await until(() => world.system.pidOf(service) !== pid || !this.healthy(), { what: `${service} runs again`, timeoutMs: 120_000 });
  }

  /** Between two kills: what costs no start. Each step has chance of its own, so that what it meets changes nothing of the next. */
  private async others(): Promise<void> {
    const { faults } = this.options;
    const chances = forked(this.options.random);
    while (this.going) {
      const random = forked(chances);
      const kind = random();
      const service = pick(services, random);
      if (performance.now() >= this.databaseAt) {
        const how = pick(['SIGKILL', 'SIGINT'] as const, random);
        this.note('database restarted', how, await faults.restartDatabase(how));
        this.databaseAt = performance.now() + databaseEveryMs;
      } else if (kind < 0.45) this.note('backends terminated', service, await faults.terminateBackends(service, random));
      else if (kind < 0.6) this.note('backends terminated', 'any one', await faults.terminateBackends(undefined, random));
      else if (kind < 0.97) this.note('records repeated', service, await faults.repeatRecords(service, random));
      else await this.pause(service, random);
      await delay(200 + random() * 900);
    }
  }

  /** Sometimes longer than a lease (10 s), sometimes not. */
  private async pause(service: ServiceName, random: () => number): Promise<void> {
    if (this.busy.has(service)) return;
    this.busy.add(service);
    const milliseconds = 1_000 + Math.floor(random() * 13_000);
    try {
      this.note('paused', service, (await this.options.faults.pause(service, milliseconds)) * milliseconds);
    } finally {
      this.busy.delete(service);
    }
  }
}
