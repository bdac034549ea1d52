/**
 * R0: bare loops, the ceiling, on either bus. Loops fetch what each service receives; what has arrived over all of them and what
 * waits of work and of people shares one statement of the service, at most 500 at a time: facts, aggregates, work, the service's own rows,
 * topic or outbox rows, positions. No framework, no validation, no signatures, no hashing; durability, rows and bytes are the product's.
 */
import { services } from '@readmit/contracts';
import pg from 'pg';
import { sumOf, type Counters } from '../counters.js';
import { BareService } from './bare-service.js';
import { TableBus } from './bare-tables.js';
import type { Open, Place, Running } from './load.js';
import { Playing } from './playing.js';
import type { Script } from './script.js';

export const openBare: Open = async (place) => {
  if (!place.script) throw new Error('this is a bug: bare loops without a script');
  const bare = new Bare(place, place.script);
  await bare.start();
  return bare;
};

class Bare implements Running {
  private readonly place: Place;
  private readonly playing = new Playing();
  private readonly loops: readonly BareService[];
  private listener: pg.Client | undefined;

  constructor(place: Place, script: Script) {
    this.place = place;
    this.loops = services.map((service) => new BareService(this.playing, service, script, place));
  }

  get reads(): Running['reads'] {
    return Object.fromEntries(this.loops.map(({ service, bus }) => [service, bus.topics])) as Running['reads'];
  }

  async start(): Promise<void> {
    await Promise.all(this.loops.map((one) => one.start()));
    if (this.place.kafka) return;
    const listener = new pg.Client({ connectionString: this.place.ownerUrl });
    await listener.connect();
    listener.on('notification', ({ payload }) => {
      for (const { bus } of this.loops) if (bus instanceof TableBus) bus.hint(payload ?? '');
    });
    await listener.query('LISTEN readmit_bus');
    this.listener = listener;
  }

  open(n: number): void {
    this.loops.find(({ service }) => service === 'intake')?.happens('command 0', n);
  }

  play(cases: number, onEnd: (n: number) => void): Promise<void> {
    return this.playing.play(cases, onEnd);
  }

  counters(): Counters {
    return sumOf(this.loops.map(({ counters }) => counters));
  }

  async verify(): Promise<void> {}

  async stop(): Promise<void> {
    await Promise.all(this.loops.map((one) => one.stop()));
    await this.listener?.end();
  }
}
