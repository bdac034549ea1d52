/**
 * The stock NestJS way: six Nest microservices with one `@EventPattern` handler call a message, one transaction a message, TypeORM
 * `repository.save()` a row. The same steps, rows and bytes as R0; no validation, signatures or hashing either. On Kafka an event is produced
 * after the commit, one request each, and there is no outbox: what a crash between loses is lost.
 */
import 'reflect-metadata';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, Payload, type MicroserviceOptions } from '@nestjs/microservices';
import { services, topicOf, type ServiceName } from '@readmit/contracts';
import pg from 'pg';
import type { Counters } from '../counters.js';
import type { Open, Place, Running } from './load.js';
import { Playing } from './playing.js';
import { consequences, heardBy, readId, render, stepsOf, topicsHeard, type Script, type Step } from './script.js';
import type { StockBus, StockRecord } from './stock-bus.js';
import { stockOnKafka } from './stock-kafka.js';
import { openStockStore, type Saving, type StockStore } from './stock-store.js';
import { stockOnTables } from './stock-tables.js';

const mostTries = 5;

export const openStock: Open = async (place) => {
  if (!place.script) throw new Error('this is a bug: the stock way without a script');
  const stock = new Stock(place, place.script);
  await stock.start();
  return stock;
};

class Stock implements Running {
  readonly reads: Running['reads'];
  private readonly place: Place;
  private readonly script: Script;
  private readonly playing = new Playing();
  private readonly apps: INestMicroservice[] = [];
  private readonly buses: StockBus[] = [];
  private readonly stores = {} as Record<ServiceName, StockStore>;
  private listener: pg.Client | undefined;
  private readonly counted: Counters = { statements: 0, commits: 0, batches: 0, messages: 0 };
  private readonly underWay = new Set<Promise<void>>();

  constructor(place: Place, script: Script) {
    this.place = place;
    this.script = script;
    this.reads = Object.fromEntries(services.map((service) => [service, topicsHeard(script, service)])) as Running['reads'];
  }

  async start(): Promise<void> {
    for (const service of services) await this.startService(service);
    if (this.place.kafka) return;
    const listener = new pg.Client({ connectionString: this.place.ownerUrl });
    await listener.connect();
    listener.on('notification', () => {
      for (const bus of this.buses) bus.hint();
    });
    await listener.query('LISTEN readmit_bus');
    this.listener = listener;
  }

  private async startService(service: ServiceName): Promise<void> {
    const { script, counted, place } = this;
    const { fail } = this.playing;
    const types = [...new Set(heardBy(script, service).map((k) => script.events[k]?.type ?? ''))];
    const hearing = { service, topics: this.reads[service], types };
    const onKafka = place.kafka && stockOnKafka(hearing, place.kafka.connections[service], counted, fail);
    const store = await openStockStore({
      url: place.ownerUrl,
      service,
      script,
      topics: hearing.topics,
      counters: counted,
      ...(onKafka?.emit ? { emit: onKafka.emit } : {}),
    });
    this.stores[service] = store;
    const bus = onKafka ?? stockOnTables(hearing, store, counted, fail);
    this.buses.push(bus);
    const handle = (record: StockRecord): Promise<void> => this.handle(service, record);
    class Listener {
      async handle(data: unknown, context: unknown): Promise<void> {
        await handle(bus.record(data, context));
      }
    }
    Payload()(Listener.prototype, 'handle', 0);
    Ctx()(Listener.prototype, 'handle', 1);
    const method = Object.getOwnPropertyDescriptor(Listener.prototype, 'handle');
    if (method) EventPattern(bus.patterns)(Listener.prototype, 'handle', method);
    Controller()(Listener);
    class StockModule {}
    Module({ controllers: [Listener] })(StockModule);
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(StockModule, { ...bus.microservice, logger: false });
    this.apps.push(app);
    await app.listen();
    await bus.listening(app);
  }

  open(n: number): void {
    this.happens('intake', 'command 0', n);
  }

  play(cases: number, onEnd: (n: number) => void): Promise<void> {
    return this.playing.play(cases, onEnd);
  }

  counters(): Counters {
    return this.counted;
  }
  async verify(): Promise<void> {}
  async stop(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.close()));
    await Promise.all(this.underWay);
    await Promise.all(this.buses.map((bus) => bus.close()));
    await this.listener?.end();
    for (const service of services) await this.stores[service].close();
  }

  private async handle(service: ServiceName, record: StockRecord): Promise<void> {
    try {
      const { n, k } = readId(record.headers['ce_id'] ?? '');
      if (this.place.kafka) this.counted.messages++;
      if (service === 'audit') {
        await this.retried(service, async (saving) => {
          await saving.leaf(record, n, k);
          await saving.position(record);
        });
        return;
      }
      const step = stepsOf(this.script, service)[`hear ${k}`];
      // A consumer of a topic receives everything, one of a type only what is for it.
      if (!step && this.place.kafka) return;
      await this.retried(service, async (saving) => {
        if (step) await this.save(saving, step, n);
        await saving.position(record);
      });
      if (step) this.follow(service, `hear ${k}`, n);
    } catch (error) {
      this.playing.fail(error);
      throw error;
    }
  }

  /** Work and people: a transaction of its own each. */
  private happens(service: ServiceName, name: string, n: number): void {
    const step = stepsOf(this.script, service)[name];
    if (!step) throw new Error(`this is a bug: ${service} has no step ${name}`);
    const done = this.retried(service, (saving) => this.save(saving, step, n))
      .then(() => this.follow(service, name, n))
      .catch(this.playing.fail)
      .finally(() => this.underWay.delete(done));
    this.underWay.add(done);
  }

  private async save(saving: Saving, { rows, says }: Step, n: number): Promise<void> {
    for (const row of rows) await saving.row(row, n);
    for (const k of says) {
      const event = this.script.events[k];
      if (event)
        await saving.event(topicOf(event.service), {
          key: render(event.key, n),
          headers: render(event.headers, n),
          value: render(event.value, n),
        });
    }
  }

  /** Two that make the same row at once: one of them fails and is delivered again. */
  private async retried(service: ServiceName, work: (saving: Saving) => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.stores[service].transaction(work);
        return;
      } catch (error) {
        const code = (error as { code?: string }).code ?? '';
        if (tries >= mostTries || !['23505', '40P01', '40001'].includes(code)) throw error;
      }
    }
  }

  private follow(service: ServiceName, name: string, n: number): void {
    const { next, ends } = consequences(this.script, service, name);
    for (const one of next) this.happens(service, one, n);
    if (ends) this.playing.ended(n);
  }
}
