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
  readonly limit: number;
}

/** Crashes and armed points. The launcher gives up on a process that starts ten times within a minute. */
const maxCrashesPerMinute = 8;
/** If no armed point is reached in that time, the process is killed anyway. On Kafka its group first waits for the end of the last session (10 s). */
const hitWithinMs = { embedded: 7_000, kafka: 20_000 } as const;
/** While that many services are down, no other is killed. */
const maxDown = 3;
/** Time to work after a start: without progress, later points of a case would never be reached. */
const minRestMs = 2_000;
const maxRestMs = 8_000;
/** A point that was not reached stays armed with the next ones; of points that were hit before, at most this many. */
const maxLeftArmed = 2;
const outages = { embedded: { everyMs: 60_000, of: ['database'] }, kafka: { everyMs: 45_000, of: ['database', 'kafka'] } } as const;

/** Injects faults: kills at every point, as fast as the launcher restarts processes, and other faults in between. */
export class Injector {
  readonly injected: Injected[] = [];
  private readonly began = performance.now();
  private readonly options: InjectorOptions;
  private readonly crashTimes = new Map<ServiceName, number[]>(services.map((service) => [service, []]));
  private readonly armed = new Map<ServiceName, CrashPoint[]>(services.map((service) => [service, []]));
  private readonly noted = new Set<string>();
  private readonly hit = new Set<string>();
  /** How long the service pauses at its next turn. */
  private readonly pauses = new Map<ServiceName, number>();
  private ended = false;
  private healthy: () => boolean = () => true;

  constructor(options: InjectorOptions) {
    this.options = options;
  }

  get kills(): number {
    return this.injected.filter(({ kind, where }) => kind.startsWith('kill') || where === 'SIGKILL').length;
  }
  /** Points at which no process was killed. */
  neverHit(): readonly string[] {
    return services
      .flatMap((service) => stepsOf(service, this.options.bus).flatMap((step) => step.map((point) => `${service} ${point}`)))
      .filter((name) => !this.hit.has(name));
  }
  summary(): string {
    return `${this.injected.length} faults, ${this.kills} kills, ${this.neverHit().length} points not hit`;
  }

  /** Injects faults until the limit, the end of the time, or a broken system. Then nothing is armed any more, and everything runs. */
  async run(healthy: () => boolean): Promise<void> {
    this.healthy = healthy;
    const noting = this.noteHits();
    const chances = forked(this.options.random);
    const turns = new Map(services.map((service) => [service, forked(chances)]));
    try {
      await Promise.all([...[...turns].map(([service, chance]) => this.killing(service, chance)), this.others()]);
      for (const [service, points] of this.armed) for (const point of points) await this.options.crashes.disarm({ service, point });
    } finally {
      this.ended = true;
      await noting;
    }
  }

  private get going(): boolean {
    return this.injected.length < this.options.limit && performance.now() < this.options.until && this.healthy();
  }
  private note(kind: Injected['kind'], where: string, size: number): void {
    if (size > 0) this.injected.push({ kind, where, at: Math.round((performance.now() - this.began) / 100) / 10, size });
  }
  private of<T>(lists: ReadonlyMap<ServiceName, T[]>, service: ServiceName): T[] {
    return lists.get(service) ?? [];
  }

  /** Records each kill once; a process may also be killed when it has only just started. */
  private async noteHits(): Promise<void> {
    for (let last = false; !last; await delay(50)) {
      last = this.ended;
      for (const { service, point, pid } of await this.options.crashes.hits()) {
        const name = `${service} ${point}`;
        if (this.noted.has(`${name} ${pid}`)) continue;
        this.noted.add(`${name} ${pid}`);
        this.hit.add(name);
        this.note('kill at point', name, 1);
        this.of(this.crashTimes, service).push(performance.now());
        this.armed.set(
          service,
          this.of(this.armed, service).filter((one) => one !== point),
        );
      }
    }
  }

  /** Every round contains every point of the service, in another order. */
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
      restsUntil = performance.now() + minRestMs + chance() * (maxRestMs - minRestMs);
    }
  }
  private mayDie(service: ServiceName, step: readonly CrashPoint[]): boolean {
    const recent = this.of(this.crashTimes, service).filter((at) => performance.now() - at < 70_000).length;
    const armed = new Set([...this.of(this.armed, service), ...step]).size;
    const down = services.filter((one) => !this.options.faults.isRunning(one));
    return !down.includes(service) && down.length < maxDown && (recent === 0 || recent + armed <= maxCrashesPerMinute);
  }

  private async killAt(service: ServiceName, step: readonly CrashPoint[]): Promise<void> {
    const { world, crashes, faults, bus } = this.options;
    const pid = world.system.pidOf(service);
    const crashCount = (): number => this.of(this.crashTimes, service).length;
    const before = crashCount();
    const again = (): boolean => world.system.pidOf(service) !== pid;
    await this.disarmOthers(service, step);
    for (const point of step) {
      if (!this.of(this.armed, service).includes(point)) this.of(this.armed, service).push(point);
      await crashes.arm({ service, point });
    }
    if (step.includes('drain.during')) faults.drain(service);
    const dies = await until(() => crashCount() > before || again(), { what: 'it dies', timeoutMs: hitWithinMs[bus] }).catch(() => false);
    // It does not reach the point at the moment, so it is killed wherever it is.
    if (!dies && faults.kill(service) > 0) {
      this.note('kill anywhere', service, 1);
      this.of(this.crashTimes, service).push(performance.now());
    }
    await until(() => again() || !this.healthy(), { what: `${service} runs again`, timeoutMs: 180_000 });
  }
  /** Points that are rarely reached stay armed; of those that were hit before, only a few do. */
  private async disarmOthers(service: ServiceName, step: readonly CrashPoint[]): Promise<void> {
    const before = this.of(this.armed, service).filter((point) => !step.includes(point) && this.hit.has(`${service} ${point}`));
    for (const point of before.slice(0, Math.max(0, before.length - maxLeftArmed))) {
      await this.options.crashes.disarm({ service, point });
      this.armed.set(
        service,
        this.of(this.armed, service).filter((one) => one !== point),
      );
    }
  }

  /** Faults without a restart, between two kills. Each step has its own random numbers, so that it does not change the next ones. */
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
      // Shorter or longer than leases and sessions (10 s).
      else this.pauses.set(service, 1_000 + Math.floor(random() * 13_000));
    }
  }
  /** An outage of one part at a time. */
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
