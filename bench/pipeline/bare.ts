/**
 * R0: bare loops on the embedded bus, the ceiling. One loop for each service and topic fetches; what has arrived over all of them and what
 * waits of work and of people shares one statement of the service, at most 500 at a time: facts, aggregates, work, the service's own rows, topic
 * rows, positions. No framework, no validation, no signatures, no hashing; durability, rows and bytes are the product's.
 */
import { services } from '@readmit/contracts';
import pg from 'pg';
import { BareService } from './bare-service.js';
import type { Counters, Open, Place, Running } from './load.js';
import type { Script } from './script.js';

export const openBare: Open = async (place) => {
  if (!place.script) throw new Error('this is a bug: bare loops without a script');
  const bare = new Bare(place, place.script);
  await bare.start();
  return bare;
};

class Bare implements Running {
  readonly script: Script;
  private readonly place: Place;
  private readonly loops: BareService[] = [];
  private listener: pg.Client | undefined;
  private onEnd: ((n: number) => void) | undefined;
  private left = 0;
  private finish: (() => void) | undefined;
  fail: (error: unknown) => void = () => undefined;

  constructor(place: Place, script: Script) {
    this.place = place;
    this.script = script;
  }

  async start(): Promise<void> {
    for (const service of services) {
      const one = new BareService(this, service, this.script);
      await one.start(this.place.ownerUrl);
      this.loops.push(one);
    }
    const listener = new pg.Client({ connectionString: this.place.ownerUrl });
    await listener.connect();
    listener.on('notification', ({ payload }) => {
      for (const one of this.loops) one.hint(payload ?? '');
    });
    await listener.query('LISTEN readmit_bus');
    this.listener = listener;
  }

  open(n: number): void {
    this.loops.find(({ service }) => service === 'intake')?.happens('command 0', n);
  }

  play(cases: number, onEnd: (n: number) => void): Promise<void> {
    this.left = cases;
    this.onEnd = onEnd;
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }

  ended(n: number): void {
    this.onEnd?.(n);
    if (--this.left === 0) this.finish?.();
  }

  counters(): Counters {
    const sum = { statements: 0, commits: 0, batches: 0, messages: 0 };
    for (const { counters } of this.loops) for (const name of Object.keys(sum) as (keyof Counters)[]) sum[name] += counters[name];
    return sum;
  }

  async verify(): Promise<void> {}

  async stop(): Promise<void> {
    await Promise.all(this.loops.map((one) => one.stop()));
    await this.listener?.end();
  }
}
