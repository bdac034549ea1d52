/**
 * Nest has no transport for topics in PostgreSQL, so this one is the nearest to its Kafka server: it fetches up to 500 records at a
 * time, as kafkajs does, and hands them to the handlers one after the other (`eachMessage`, one partition at a time, the default).
 */
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Counters } from '../counters.js';
import type { StockBus, StockHearing, StockRecord } from './stock-bus.js';
import type { StockStore } from './stock-store.js';

const fetched = 500;
const pollMs = 250;

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

export function stockOnTables(hearing: StockHearing, store: StockStore, counters: Counters, fail: (error: unknown) => void): StockBus {
  const server = new TopicServer(store, hearing.topics, counters, fail);
  return {
    microservice: { strategy: server },
    patterns: hearing.types,
    record: (data) => data as StockRecord,
    listening: () => Promise.resolve(),
    hint: () => server.hint(),
    close: () => Promise.resolve(),
  };
}
