/** The product as it is deployed, as a program: six processes, a service each. */
import { services, topicsConsumedBy, type ServiceName } from '@readmit/contracts';
import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { sumOf, type Counters } from '../counters.js';
import { makeIdentity } from '../engines.js';
import { makePeopleKeys } from '../people.js';
import type { Elsewhere, Open, Running } from './load.js';
import type { Asked, Asks, Shared, Told } from './one-service.js';
import { Playing } from './playing.js';
import { subjects } from './product.js';

const shared: Shared = { identity: makeIdentity(), people: makePeopleKeys(), subjects };
let processes: Readonly<Record<ServiceName, OneProcess>> | undefined;

const ofEach = <T>(of: (service: ServiceName) => T): Readonly<Record<ServiceName, T>> =>
  Object.fromEntries(services.map((service) => [service, of(service)])) as Record<ServiceName, T>;
const each = (of: (service: ServiceName) => Promise<unknown>): Promise<unknown> => Promise.all(services.map(of));

export const openSix: Open = async (place) => {
  const running = (processes ??= ofEach((service) => new OneProcess(service)));
  const playing = new Playing();
  for (const one of Object.values(running)) one.playing = playing;
  await each((service) => running[service].ask('open', { service, place, shared }));
  return new Six(running, playing);
};

class Six implements Running {
  readonly reads = ofEach(topicsConsumedBy);
  private readonly running: Readonly<Record<ServiceName, OneProcess>>;
  private readonly playing: Playing;
  private waiting = 0;

  constructor(running: Readonly<Record<ServiceName, OneProcess>>, playing: Playing) {
    this.running = running;
    this.playing = playing;
  }

  /** Cases are numbered in the order in which they are asked for. */
  open(): void {
    if (this.waiting++ > 0) return;
    queueMicrotask(() => {
      this.running.intake.ask('begin', this.waiting).catch(this.playing.fail);
      this.waiting = 0;
    });
  }

  play(cases: number, onEnd: (n: number) => void): Promise<void> {
    return this.playing.play(cases, onEnd);
  }

  async counters(): Promise<Counters> {
    return sumOf((await this.spent()).map(({ counters }) => counters));
  }

  async elsewhere(): Promise<Elsewhere> {
    const spent = await this.spent();
    const sum = (of: (one: (typeof spent)[number]) => number): number => spent.reduce((total, one) => total + of(one), 0);
    return {
      cpu: Object.fromEntries(spent.map(({ service, cpu }) => [service, cpu])) as Elsewhere['cpu'],
      rss: sum(({ rss }) => rss),
      produceRequests: sum(({ requests }) => requests.produceRequests),
      fetchRequests: sum(({ requests }) => requests.fetchRequests),
    };
  }

  async verify(): Promise<void> {
    await each((service) => this.running[service].ask('verify', null));
  }

  async stop(): Promise<void> {
    await each((service) => this.running[service].ask('stop', null));
  }

  private spent() {
    return Promise.all(services.map(async (service) => ({ service, ...(await this.running[service].ask('spent', null)) })));
  }
}

/** The process of a service. It ends with this one. */
class OneProcess {
  /** Of the slice that is played. */
  playing: Playing | undefined;
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, { readonly resolve: (answers: unknown) => void; readonly reject: (error: unknown) => void }>();
  private last = 0;

  constructor(service: ServiceName) {
    this.child = fork(path.resolve(import.meta.dirname, '../../tools/bench.mjs'), ['pipeline/one-service'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (told: Told) => this.hear(told));
    this.child.on('exit', (code) => {
      const error = new Error(`the process of ${service} ended with ${code}`);
      this.playing?.fail(error);
      for (const { reject } of this.waiting.values()) reject(error);
    });
  }

  ask<Name extends keyof Asks>(name: Name, asks: Asks[Name]['asks']): Promise<Asks[Name]['answers']> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (answers: unknown) => void, reject });
      this.child.send({ id, name, asks } as Asked);
    });
  }

  private hear(told: Told): void {
    if ('ended' in told) for (const n of told.ended) this.playing?.ended(n);
    else if ('broke' in told) this.playing?.fail(new Error(told.broke));
    else {
      const waiting = this.waiting.get(told.id);
      this.waiting.delete(told.id);
      if ('failed' in told) waiting?.reject(new Error(told.failed));
      else waiting?.resolve(told.answers);
    }
  }
}
