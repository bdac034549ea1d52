import type { TopicRecord } from '../port.js';
import { sizeOf } from './records.js';
import { nameOf, type Place } from './topic-reader.js';

/** A partition in the hands of this member, from one assignment to its loss. */
export interface Held extends Place {
  /** `false` once another member may have it. */
  live: boolean;
  /** The first offset that came. */
  first?: bigint;
  /** The next offset to come: what is below has been put into the buffer. */
  fetched?: bigint;
  /** The offset behind what is done; and what of it the brokers have confirmed. */
  done?: bigint;
  confirmed?: bigint;
}

export interface Arrived extends Place {
  readonly highWatermark: string;
  readonly records: readonly TopicRecord[];
}

export interface Taken {
  readonly records: readonly TopicRecord[];
  /** Per partition the offset behind its last record. */
  readonly spans: ReadonlyMap<Held, bigint>;
}

/** What has been fetched and not been asked for, over all partitions, in the order of arrival. */
export class Arrivals {
  records = 0;
  bytes = 0;
  private readonly held = new Map<string, Held>();
  private segments: { readonly of: Held; readonly records: readonly TopicRecord[]; at: number }[] = [];

  get places(): readonly Held[] {
    return [...this.held.values()];
  }

  /**
   * The partitions that this member has from now on. `continuous`: nobody else can have had one of those that stay, so that they go
   * on where they were; otherwise they start over, and what was fetched from them belongs to another owner.
   */
  assign(places: readonly Place[], continuous: boolean): void {
    const before = new Map(this.held);
    this.held.clear();
    for (const { topic, partition } of places) {
      const name = nameOf({ topic, partition });
      const kept = continuous ? before.get(name) : undefined;
      this.held.set(name, kept ?? { topic, partition, live: true });
      if (kept) before.delete(name);
    }
    for (const lost of before.values()) this.lose(lost);
  }

  /** Puts records into the buffer; those that came before are left out. */
  arrive({ topic, partition, highWatermark, records }: Arrived): void {
    const name = nameOf({ topic, partition });
    let held = this.held.get(name);
    if (!held) return;
    if (held.fetched !== undefined && BigInt(highWatermark) < held.fetched) {
      // The topic ends before the known position: it was recreated, or its broker lost the end of it.
      this.lose(held);
      held = { topic, partition, live: true };
      this.held.set(name, held);
    }
    const { fetched } = held;
    const fresh = fetched === undefined ? records : records.filter(({ offset }) => offset >= fetched);
    const last = fresh.at(-1);
    if (!last) return;
    held.first ??= fresh[0]?.offset ?? last.offset;
    held.fetched = last.offset + 1n;
    this.segments.push({ of: held, records: fresh, at: 0 });
    this.records += fresh.length;
    for (const record of fresh) this.bytes += sizeOf(record);
  }

  /** At most so many records and bytes, but never less than one record; `undefined` when there is none. */
  take(max: number, maxBytes: number): Taken | undefined {
    if (this.records === 0) return undefined;
    const records: TopicRecord[] = [];
    const spans = new Map<Held, bigint>();
    let bytes = 0;
    let done = 0;
    for (const segment of this.segments) {
      while (segment.at < segment.records.length && records.length < max && bytes < maxBytes) {
        const record = segment.records[segment.at++];
        if (!record) break;
        records.push(record);
        bytes += sizeOf(record);
        spans.set(segment.of, record.offset + 1n);
      }
      if (segment.at < segment.records.length) break;
      done++;
    }
    this.segments = this.segments.slice(done);
    this.records -= records.length;
    this.bytes -= bytes;
    return { records, spans };
  }

  private lose(held: Held): void {
    held.live = false;
    for (const { records, at } of this.segments.filter(({ of }) => of === held)) {
      this.records -= records.length - at;
      for (const record of records.slice(at)) this.bytes -= sizeOf(record);
    }
    this.segments = this.segments.filter(({ of }) => of !== held);
  }
}
