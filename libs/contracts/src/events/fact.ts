import type { EventData, EventType } from './catalogue.js';

/** Something that happened, as every service stores it: the signed id, type, time and data of one event. */
export interface FactOf<T extends EventType> {
  /** Event id (UUIDv7); unique in the system. */
  readonly id: string;
  readonly type: T;
  /** When it happened, by the clock of the producer's database: RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly data: EventData<T>;
}
/** Discriminated by `type`. */
export type Fact = { [T in EventType]: FactOf<T> }[EventType];
/** An event that is about to be emitted; the runtime sets id and time. */
export type Draft = { [T in EventType]: { readonly type: T; readonly key: string; readonly data: EventData<T> } }[EventType];
