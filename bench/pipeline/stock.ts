/**
 * The stock NestJS way on the embedded bus: six Nest microservices with one `@EventPattern` handler call a message, one transaction a
 * message, TypeORM `repository.save()` a row. Nest has no transport for topics in PostgreSQL, so the transport is the nearest to its Kafka server: it
 * fetches up to 500 records at a time, as kafkajs does, and hands them to the handlers one after the other (`eachMessage`, one partition at
 * a time, the default). The same steps, rows and bytes as R0; no validation, signatures or hashing either.
 */
import 'reflect-metadata';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { services, topicOf, type ServiceName } from '@readmit/contracts';
import { schemaOf } from '@readmit/store';
import pg from 'pg';
import { lastValueFrom } from 'rxjs';
import type { Counters, Open, Place, Running } from './load.js';
import { readId, render, worksAsked, type Script, type Step } from './script.js';
import { openStockStore, type Saving, type StockStore } from './stock-store.js';

const fetched = 500;
const pollMs = 250;
const mostTries = 5;

export interface StockRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

/** A consumer with `eachMessage` on tables. */
class TopicServer extends Server implements CustomTransportStrategy {
  private stopping = false;
  private loop: Promise<void> | undefined;
  private ring: (() => void) | undefined;
  private hinted = false;
  private readonly store: StockStore;
  private readonly topics: readonly string[];
  private readonly counters: Counters;
  private readonly fail: (error: unknown) => void;

  constructor(store: StockStore, topics: readonly string[], counters: Counters, fail: (error: unknown) => void) {
    super();
    this.store = store;
    this.topics = topics;
    this.counters = counters;
    this.fail = fail;
  }
  listen(callback: () => void): void {
    this.loop = this.run().catch(this.fail);
    callback();
  }
  hint(): void {
    this.hinted = true;
    this.ring?.();
  }
  async close(): Promise<void> {
    this.stopping = true;
    this.ring?.();
    await this.loop;
  }
  on(event: string): never {
    throw new Error(`no event ${event}`);
  }
  unwrap<T>(): T {
    return this as unknown as T;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      this.hinted = false;
      let taken = 0;
      for (const topic of this.topics) {
        for (const batch of await this.store.fetch(topic, fetched)) {
          this.counters.batches++;
          let handled = true;
          for (const record of batch) {
            if (this.stopping) return;
            const handler = this.getHandlerByPattern(record.headers['ce_type'] ?? '');
            handled = handler !== null;
            if (handler) await lastValueFrom(this.transformToObservable(await handler(record, {})), { defaultValue: undefined });
            taken++;
            this.counters.messages++;
          }
          const last = batch.at(-1);
          // Records that nobody here handles move the position too.
          if (last && !handled) await this.store.transaction((saving) => saving.position(last));
        }
      }
      if (taken === 0 && !this.hinted) await this.rest();
    }
  }

  private async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      this.ring = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.ring = undefined;
  }
}

export const openStock: Open = async (place) => {
  if (!place.script) throw new Error('this is a bug: the stock way without a script');
  const stock = new Stock(place, place.script);
  await stock.start();
  return stock;
};

class Stock implements Running {
  private readonly place: Place;
  private readonly script: Script;
  private readonly apps: INestMicroservice[] = [];
  private readonly stores = {} as Record<ServiceName, StockStore>;
  private readonly servers: TopicServer[] = [];
  private listener: pg.Client | undefined;
  private readonly counted: Counters = { statements: 0, commits: 0, batches: 0, messages: 0 };
  private onEnd: ((n: number) => void) | undefined;
  private left = 0;
  private finish: (() => void) | undefined;
  private fail: (error: unknown) => void = () => undefined;
  private readonly underWay = new Set<Promise<void>>();

  constructor(place: Place, script: Script) {
    this.place = place;
    this.script = script;
  }

  async start(): Promise<void> {
    for (const service of services) await this.startService(service);
    const listener = new pg.Client({ connectionString: this.place.ownerUrl });
    await listener.connect();
    listener.on('notification', () => {
      for (const server of this.servers) server.hint();
    });
    await listener.query('LISTEN readmit_bus');
    this.listener = listener;
  }

  private async startService(service: ServiceName): Promise<void> {
    const heard = this.heardBy(service);
    const topics = services.filter((one) => heard.some((k) => this.script.events[k]?.service === one)).map(topicOf);
    const store = await openStockStore({ url: this.place.ownerUrl, service, script: this.script, topics, counters: this.counted });
    this.stores[service] = store;
    const handle = (record: StockRecord): Promise<void> => this.handle(service, record);
    class Listener {
      async handle(record: StockRecord): Promise<void> {
        await handle(record);
      }
    }
    const types = [...new Set(heard.map((k) => this.script.events[k]?.type ?? ''))];
    const method = Object.getOwnPropertyDescriptor(Listener.prototype, 'handle');
    if (method) EventPattern(types)(Listener.prototype, 'handle', method);
    Controller()(Listener);
    class StockModule {}
    Module({ controllers: [Listener] })(StockModule);
    const server = new TopicServer(store, topics, this.counted, (error) => this.fail(error));
    const app = await NestFactory.createMicroservice(StockModule, { strategy: server, logger: false });
    await app.listen();
    this.apps.push(app);
    this.servers.push(server);
  }

  private heardBy(service: ServiceName): readonly number[] {
    if (service === 'audit')
      return Object.entries(this.script.events)
        .filter(([, { audit }]) => audit !== undefined)
        .map(([k]) => Number(k));
    return Object.keys(this.steps(service)).flatMap((name) => (name.startsWith('hear ') ? [Number(name.slice(5))] : []));
  }

  private steps(service: ServiceName): Readonly<Record<string, Step>> {
    return this.script.steps[schemaOf(service)] ?? {};
  }

  open(n: number): void {
    this.happens('intake', 'command 0', n);
  }

  play(cases: number, onEnd: (n: number) => void): Promise<void> {
    this.left = cases;
    this.onEnd = onEnd;
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }

  counters(): Counters {
    return this.counted;
  }
  async verify(): Promise<void> {}
  async stop(): Promise<void> {
    for (const app of this.apps) await app.close();
    await Promise.all(this.underWay);
    await this.listener?.end();
    for (const service of services) await this.stores[service].close();
  }

  private async handle(service: ServiceName, record: StockRecord): Promise<void> {
    const { n, k } = readId(record.headers['ce_id'] ?? '');
    if (service === 'audit') {
      await this.retried(service, async (saving) => {
        await saving.leaf(record, n, k);
        await saving.position(record);
      });
      return;
    }
    const step = this.steps(service)[`hear ${k}`];
    await this.retried(service, async (saving) => {
      if (step) await this.save(saving, step, n);
      await saving.position(record);
    });
    if (step) this.follow(service, `hear ${k}`, step, n);
  }

  /** Work and people: a transaction of its own each. */
  private happens(service: ServiceName, name: string, n: number): void {
    const step = this.steps(service)[name];
    if (!step) throw new Error(`this is a bug: ${service} has no step ${name}`);
    const done = this.retried(service, (saving) => this.save(saving, step, n))
      .then(() => this.follow(service, name, step, n))
      .catch((error: unknown) => this.fail(error))
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

  private follow(service: ServiceName, name: string, step: Step, n: number): void {
    for (const work of worksAsked(step, this.script.tables[schemaOf(service)]?.['work'])) this.happens(service, `begin ${work}`, n);
    if (name.startsWith('begin ')) this.happens(service, `finish ${name.slice('begin '.length)}`, n);
    if (service === 'approval') {
      if (name === `hear ${this.script.commandsAfter}`) this.happens(service, 'command 0', n);
      const command = /^command (\d)$/.exec(name);
      const next = command ? `command ${Number(command[1]) + 1}` : '';
      if (this.steps(service)[next]) this.happens(service, next, n);
    }
    if (step.says.includes(this.script.endsWith)) {
      this.onEnd?.(n);
      if (--this.left === 0) this.finish?.();
    }
  }
}
