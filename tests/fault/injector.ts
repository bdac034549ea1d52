import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '@readmit/bus';
import type { CrashPoint } from '@readmit/platform';
import { services, type ServiceName } from '@readmit/contracts';
import { until } from '@readmit/testing';
import { stepsOf, type Crashes } from './crashes.js';
import type { Faults } from './faults.js';
import { forked, pick, shuffled } from './random.js';
import type { World } from './recoveries.js';

export interface Injected {
  readonly kind:
    'kill at point' | 'kill anywhere' | 'backends terminated' | 'records repeated' | 'paused' | 'database restarted' | 'kafka restarted';
  readonly where: string;
  /** Seconds since the first. */
  readonly at: number;
  /** How many records, backends or milliseconds. */
  readonly size: number;
}
export interface InjectorOptions {
  readonly world: World;
  readonly bus: Bus['kind'];
  readonly crashes: Crashes;
  readonly faults: Faults;
  readonly random: () => number;
  /** Of `performance.now()`. */
  readonly until: number;
  readonly most: number;
}

/** The launcher gives up what starts ten times within a minute: a crash loop is a fault of another kind. Deaths and points that are armed. */
const mostDeathsInAMinute = 8;
/** When nothing armed is reached in that time, the process dies where it is. On Kafka its group waits first until the session of the one before it is over (10 s). */
const hitWithinMs = { embedded: 7_000, kafka: 20_000 } as const;
/** While so many services are away, no further one is told to die. */
const mostAway = 3;
/** What has just begun may do some work first: where nothing gets on, the later points of a case are never reached. */
const leastRestMs = 2_000;
const mostRestMs = 8_000;
/** A point that was not reached stays armed beside the next ones; of those that were hit before, so many. */
const mostLingering = 2;
const outages = { embedded: { everyMs: 60_000, of: ['database'] }, kafka: { everyMs: 45_000, of: ['database', 'kafka'] } } as const;

/** Says when which fault comes: kills at every point, as fast as the launcher starts again what died, and the others in between. */
export class Injector {
  readonly injected: Injected[] = [];
  private readonly began = performance.now();
  private readonly options: InjectorOptions;
  private readonly deaths = new Map<ServiceName, number[]>(services.map((service) => [service, []]));
  private readonly armed = new Map<ServiceName, CrashPoint[]>(services.map((service) => [service, []]));
  private readonly heard = new Set<string>();
  private readonly hit = new Set<string>();
  /** How long the service stands still at its next turn. */
  private readonly pauses = new Map<ServiceName, number>();
  private ended = false;
  private healthy: () => boolean = () => true;

  constructor(options: InjectorOptions) {
    this.options = options;
  }

  get kills(): number {
    return this.injected.filter(({ kind, where }) => kind.startsWith('kill') || where === 'SIGKILL').length;
  }
  /** Points of services that no process has died at. */
  neverHit(): readonly string[] {
    return services
      .flatMap((service) => stepsOf(service, this.options.bus).flatMap((step) => step.map((point) => `${service} ${point}`)))
      .filter((name) => !this.hit.has(name));
  }
  says(): string {
    return `${this.injected.length} faults, ${this.kills} kills, ${this.neverHit().length} points not hit`;
  }

  /** Until there are enough, the time is over or the system is given up. Nothing is armed any more then, and everything runs. */
  async run(healthy: () => boolean): Promise<void> {
    this.healthy = healthy;
    const hearing = this.hearing();
    const chances = forked(this.options.random);
    const turns = new Map(services.map((service) => [service, forked(chances)]));
    try {
      await Promise.all([...[...turns].map(([service, chance]) => this.killing(service, chance)), this.others()]);
      for (const [service, points] of this.armed) for (const point of points) await this.options.crashes.disarm({ service, point });
    } finally {
      this.ended = true;
      await hearing;
    }
  }

  private get going(): boolean {
    return this.injected.length < this.options.most && performance.now() < this.options.until && this.healthy();
  }
  private note(kind: Injected['kind'], where: string, size: number): void {
    if (size > 0) this.injected.push({ kind, where, at: Math.round((performance.now() - this.began) / 100) / 10, size });
  }
  private of<T>(lists: ReadonlyMap<ServiceName, T[]>, service: ServiceName): T[] {
    return lists.get(service) ?? [];
  }

  /** Kills happen when they happen, also of a process that has only just begun: each is taken down once. */
  private async hearing(): Promise<void> {
    for (let last = false; !last; await delay(50)) {
      last = this.ended;
      for (const { service, point, pid } of await this.options.crashes.hits()) {
        const name = `${service} ${point}`;
        if (this.heard.has(`${name} ${pid}`)) continue;
        this.heard.add(`${name} ${pid}`);
        this.hit.add(name);
        this.note('kill at point', name, 1);
        this.of(this.deaths, service).push(performance.now());
        this.armed.set(
          service,
          this.of(this.armed, service).filter((one) => one !== point),
        );
      }
    }
  }

  /** Every round has every point of the service, in an order of its own. */
  private async killing(service: ServiceName, chance: () => number): Promise<void> {
    const { bus } = this.options;
    let round: (readonly CrashPoint[])[] = [];
    let restsUntil = 0;
    while (this.going) {
      if (round.length === 0) round = shuffled(stepsOf(service, bus), chance);
      const pause = this.pauses.get(service);
      if (pause !== undefined) await this.pause(service, pause);
      const [step = []] = round;
      if (performance.now() < restsUntil || !this.mayDie(service, step)) {
        await delay(100);
        continue;
      }
      round.shift();
      await this.killAt(service, step);
      restsUntil = performance.now() + leastRestMs + chance() * (mostRestMs - leastRestMs);
    }
  }
  private mayDie(service: ServiceName, step: readonly CrashPoint[]): boolean {
    const recent = this.of(this.deaths, service).filter((at) => performance.now() - at < 70_000).length;
    const armed = new Set([...this.of(this.armed, service), ...step]).size;
    const away = services.filter((one) => !this.options.faults.lives(one));
    return !away.includes(service) && away.length < mostAway && (recent === 0 || recent + armed <= mostDeathsInAMinute);
  }

  private async killAt(service: ServiceName, step: readonly CrashPoint[]): Promise<void> {
    const { world, crashes, faults, bus } = this.options;
    const pid = world.system.pidOf(service);
    const deaths = (): number => this.of(this.deaths, service).length;
    const before = deaths();
    const again = (): boolean => world.system.pidOf(service) !== pid;
    await this.makeRoom(service, step);
    for (const point of step) {
      if (!this.of(this.armed, service).includes(point)) this.of(this.armed, service).push(point);
      await crashes.arm({ service, point });
    }
    if (step.includes('drain.during')) faults.drain(service);
    const dies = await until(() => deaths() > before || again(), { what: 'it dies', timeoutMs: hitWithinMs[bus] }).catch(() => false);
    // Nothing brings it there just now: then it dies where it is.
    if (!dies && faults.kill(service) > 0) {
      this.note('kill anywhere', service, 1);
      this.of(this.deaths, service).push(performance.now());
    }
    await until(() => again() || !this.healthy(), { what: `${service} runs again`, timeoutMs: 180_000 });
  }
  /** What is seldom reached waits armed for its moment; but what was hit before must not crowd out the rest. */
  private async makeRoom(service: ServiceName, step: readonly CrashPoint[]): Promise<void> {
    const before = this.of(this.armed, service).filter((point) => !step.includes(point) && this.hit.has(`${service} ${point}`));
    for (const point of before.slice(0, Math.max(0, before.length - mostLingering))) {
      await this.options.crashes.disarm({ service, point });
      this.armed.set(
        service,
        this.of(this.armed, service).filter((one) => one !== point),
      );
    }
  }

  /** Between two kills: what costs no start. Each step has chance of its own, so that what it meets changes nothing of the next. */
  private async others(): Promise<void> {
    const { faults, bus } = this.options;
    const chances = forked(this.options.random);
    const { everyMs, of } = outages[bus];
    let outageAt = performance.now() + everyMs / 2;
    for (let turn = 0; this.going; await delay(500 + chances() * 1_500)) {
      const random = forked(chances);
      const kind = random();
      const service = pick(services, random);
      if (performance.now() >= outageAt) {
        await this.outage(of[turn++ % of.length] ?? 'database', random);
        outageAt = performance.now() + everyMs;
      } else if (kind < 0.45) this.note('backends terminated', service, await faults.terminateBackends(service, random));
      else if (kind < 0.6) this.note('backends terminated', 'any one', await faults.terminateBackends(undefined, random));
      else if (kind < 0.95) this.note('records repeated', service, await faults.repeatRecords(service, random));
      // Sometimes longer than leases and sessions (10 s), sometimes not.
      else this.pauses.set(service, 1_000 + Math.floor(random() * 13_000));
    }
  }
  /** One at a time. */
  private async outage(part: 'database' | 'kafka', random: () => number): Promise<void> {
    const { faults } = this.options;
    if (part === 'database') {
      const how = pick(['SIGKILL', 'SIGINT'] as const, random);
      this.note('database restarted', how, await faults.restartDatabase(how));
    } else {
      const how = pick(['SIGKILL', 'SIGTERM'] as const, random);
      this.note('kafka restarted', how, await faults.restartKafka(how));
    }
  }
  private async pause(service: ServiceName, milliseconds: number): Promise<void> {
    this.pauses.delete(service);
    this.note('paused', service, (await this.options.faults.pause(service, milliseconds)) * milliseconds);
  }
}
