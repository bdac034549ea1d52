/** What the stock way stands on: our topics in PostgreSQL (stock-tables.ts) or Nest's own Kafka transport (stock-kafka.ts). */
import type { ServiceName } from '@readmit/contracts';
import type { MicroserviceOptions } from '@nestjs/microservices';
import type { INestMicroservice } from '@nestjs/common';

export interface StockRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}
export interface StockEvent {
  readonly key: string;
  readonly headers: string;
  readonly value: string;
}
/** Of one service. */
export interface StockBus {
  readonly microservice: MicroserviceOptions;
  /** What its handler is an `@EventPattern` of. */
  readonly patterns: readonly string[];
  /** The record that Nest calls the handler with. */
  record(data: unknown, context: unknown): StockRecord;
  /** Once the microservice listens. */
  listening(app: INestMicroservice): Promise<void>;
  /** Something may have come. */
  hint(): void;
  /** Produces an event; absent: events are rows of the transaction. */
  readonly emit?: (topic: string, event: StockEvent) => Promise<void>;
  /** After the microservice. */
  close(): Promise<void>;
}
export interface StockHearing {
  readonly service: ServiceName;
  readonly topics: readonly string[];
  readonly types: readonly string[];
}
