import { packed, type Store, type Tx } from '@readmit/store';
import { backoffMs, crashPoint, uuidv7 } from '@readmit/platform';
import { placeOf } from '../partition-of.js';
import type { OutgoingRecord } from '../port.js';

export interface OutboxOptions {
  readonly store: Pick<Store, 'transaction' | 'query'>;
  /** How long confirmations are collected before one statement takes their rows away. */
  readonly settleMs: number;
  readonly onTrouble: (error: unknown) => void;
}

/** Events of one transaction that Kafka has not confirmed. */
export interface Unsent {
  readonly batch: string;
  readonly records: readonly OutgoingRecord[];
}

interface EventRow {
  readonly batch: string;
  readonly topic: string | null;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

/** A little more than what is kept. */
const longestMs = 32 * 86_400_000;
const replayMs = 60_000;

/**
 * Looks, if asked to, for what another process has committed for the same keys (their places) and not sent. What was said before along a key is
 * committed by now (its aggregate is locked), so it is seen here or on its topic. The table holds what is under way, and more only
 * while nobody asks: after a failed send.
 */
const writeStatement = `
  WITH batch AS MATERIALIZED (
    SELECT nextval('outbox_batch') AS id, clock_timestamp() AS at
  ), unsent AS (
    INSERT INTO outbox_unsent (batch, written_at, events, writer, places)
    SELECT id, at, cardinality($1::text[]), $5::uuid, $6::bigint FROM batch
  ), written AS (
    INSERT INTO outbox (batch, place, written_at, topic, key, headers, value)
    SELECT b.id, r.place, b.at, r.topic, r.key,
      convert_from(substr($3::bytea, r.headers_start, r.headers_length), 'UTF8')::json, substr($4::bytea, r.value_start, r.value_length)
    FROM batch b, unnest($1::text[], $2::text[], $9::int[], $10::int[], $11::int[], $12::int[])
      WITH ORDINALITY AS r (topic, key, headers_start, headers_length, value_start, value_length, place)
  )
  SELECT id AS batch, CASE WHEN $7 THEN EXISTS (
    SELECT FROM outbox_unsent WHERE writer <> $5::uuid AND places & $6::bigint <> 0 AND batch <> ALL ($8::bigint[])
  ) ELSE false END AS overtakes FROM batch`;

/** Whole transactions behind `$1`, at least one, then as many as have `$3` events together. */
const unsentStatement = `
  WITH due AS MATERIALIZED (
    SELECT batch, written_at, sum(events) OVER (ORDER BY batch) - events AS before FROM (
      SELECT batch, written_at, events FROM outbox_unsent
      WHERE batch > $1 AND written_at < clock_timestamp() - $2 * interval '1 millisecond' ORDER BY batch LIMIT 500
    ) oldest
  ), chunk AS MATERIALIZED (
    SELECT batch, written_at FROM due WHERE before < $3
  ), events AS (
    SELECT batch, place, topic, key, headers, value FROM outbox
    WHERE written_at >= (SELECT min(written_at) FROM chunk) AND written_at <= (SELECT max(written_at) FROM chunk)
  )
  SELECT c.batch, e.topic, e.key, e.headers, e.value FROM chunk c LEFT JOIN events e USING (batch) ORDER BY c.batch, e.place`;

/**
 * The service's event log on Kafka (tables: migration Outbox1). A transaction costs one statement for all of its events; that they
 * arrived costs one statement for all transactions of half a second.
 */
export class Outbox {
  /** This process, as the rows name it. */
  private readonly writer = uuidv7();
  /** What records were written as, by the very array that `write` got. */
  private readonly written = new WeakMap<readonly OutgoingRecord[], { readonly batch: string; readonly overtakes: boolean }>();
  /** Transactions whose events Kafka does not take: nothing waits for them. */
  private readonly refused = new Set<string>();
  private confirmed: string[] = [];
  private settling: NodeJS.Timeout | undefined;
  private failures = 0;
  private closed = false;

  constructor(private readonly options: OutboxOptions) {}

  /** `sendsAtOnce`: they are to be sent after the commit, unless they would overtake something. */
  async write(tx: Tx, records: readonly OutgoingRecord[], sendsAtOnce: boolean): Promise<void> {
    const headers = packed(records.map(({ headers }) => JSON.stringify(headers)));
    const values = packed(records.map(({ value }) => value));
    const [row] = await tx.query<{ batch: string; overtakes: boolean }>(writeStatement, [
      records.map(({ topic }) => topic),
      records.map(({ key }) => key),
      headers.bytes,
      values.bytes,
      this.writer,
      placesOf(records),
      sendsAtOnce,
      [...this.refused],
      headers.starts,
      headers.lengths,
      values.starts,
      values.lengths,
    ]);
    if (row) this.written.set(records, row);
  }

  /** Sent now, they would come before what another process, perhaps a dead one, has committed before them. */
  wouldOvertake(records: readonly OutgoingRecord[]): boolean {
    return this.written.get(records)?.overtakes === true;
  }

  /** Kafka has what was written as this array. Another array is of nobody's batch: the relay sends it again, which changes nothing. */
  confirm(records: readonly OutgoingRecord[]): void {
    const batch = this.written.get(records)?.batch;
    if (batch === undefined) return;
    this.confirmed.push(batch);
    this.settleLater(this.options.settleMs);
  }

  /** Transactions that wait, oldest first, with their events in order. */
  async unsent(tx: Tx, { after, olderThanMs, events }: { after: string; olderThanMs: number; events: number }): Promise<readonly Unsent[]> {
    const found: { batch: string; records: OutgoingRecord[] }[] = [];
    for (const { batch, topic, key, headers, value } of await tx.query<EventRow>(unsentStatement, [after, olderThanMs, events])) {
      let last = found.at(-1);
      if (last?.batch !== batch) found.push((last = { batch, records: [] }));
      if (topic !== null) last.records.push({ topic, key, headers, value });
    }
    return found;
  }

  async remove(tx: Tx, batches: readonly string[]): Promise<void> {
    if (batches.length > 0) await tx.query('DELETE FROM outbox_unsent WHERE batch = ANY ($1::bigint[])', [batches]);
  }

  /** Kafka does not take the events of this one: they stay, and are overtaken. */
  refuse(batch: string): void {
    this.refused.add(batch);
  }

  /** Whether anything waits for longer than that. */
  async hasUnsent(olderThanMs: number): Promise<boolean> {
    const [row] = await this.options.store.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM outbox_unsent WHERE written_at < clock_timestamp() - $1 * interval '1 millisecond') AS found`,
      [olderThanMs],
    );
    return row?.found === true;
  }

  async waiting(): Promise<{ readonly waiting: number; readonly oldestSeconds: number }> {
    const [row] = await this.options.store.query<{ waiting: number; age: number }>(
      `SELECT coalesce(sum(events), 0)::integer AS waiting,
         greatest(coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0), 0)::float8 AS age
       FROM outbox_unsent`,
    );
    return { waiting: row?.waiting ?? 0, oldestSeconds: row?.age ?? 0 };
  }

  /** Makes the partitions of the next days and drops those that are past their time. */
  async keepDays(): Promise<void> {
    await this.options.store.query('SELECT outbox_days()');
  }

  /** Gives every event since the instant, in the order of writing along each key, page by page; then their number. */
  async replay(since: Date, page: (records: readonly OutgoingRecord[]) => Promise<void>): Promise<number> {
    const [clock] = await this.options.store.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    const now = clock?.now.getTime() ?? 0;
    let count = 0;
    for (let from = Math.max(since.getTime(), now - longestMs); from <= now;) {
      const found = await this.replayWindow(from, page);
      count += found;
      from = found > 0 ? from + replayMs : await this.nextAfter(from + replayMs);
    }
    return count;
  }

  private replayWindow(from: number, page: (records: readonly OutgoingRecord[]) => Promise<void>): Promise<number> {
    return this.options.store.transaction(async (tx) => {
      // A cursor: a busy minute is sorted once and does not have to fit into memory.
      await tx.query(
        `DECLARE replay NO SCROLL CURSOR FOR SELECT batch, topic, key, headers, value FROM outbox
         WHERE written_at >= '${new Date(from).toISOString()}' AND written_at < '${new Date(from + replayMs).toISOString()}'
         ORDER BY batch, place`,
      );
      let found = 0;
      for (;;) {
        const rows = await tx.query<EventRow & { topic: string }>('FETCH 500 FROM replay');
        if (rows.length === 0) return found;
        await page(rows.map(({ topic, key, headers, value }) => ({ topic, key, headers, value })));
        found += rows.length;
      }
    });
  }

  /** An instant that no event lies before, from this one on. Rows lie nearly in the order of time: some minutes before the first that is found. */
  private async nextAfter(from: number): Promise<number> {
    const [first] = await this.options.store.query<{ written_at: Date }>('SELECT written_at FROM outbox WHERE written_at >= $1 LIMIT 1', [
      new Date(from),
    ]);
    return first ? Math.max(from, first.written_at.getTime() - 5 * replayMs) : Number.POSITIVE_INFINITY;
  }

  /** Takes away what was confirmed; what that fails for is repeated by the relay one day. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.settling);
    await this.settle().catch(this.options.onTrouble);
  }

  private settleLater(milliseconds: number): void {
    if (this.settling || this.closed) return;
    this.settling = setTimeout(() => {
      this.settling = undefined;
      this.settle().then(
        () => (this.failures = 0),
        (error: unknown) => {
          this.options.onTrouble(error);
          this.settleLater(backoffMs(++this.failures));
        },
      );
    }, milliseconds);
    this.settling.unref();
  }

  /** Takes away what was confirmed, now. */
  async settle(): Promise<void> {
    const batches = this.confirmed;
    if (batches.length === 0) return;
    this.confirmed = [];
    crashPoint('outbox.before-settle');
    try {
      await this.options.store.query('DELETE FROM outbox_unsent WHERE batch = ANY ($1::bigint[])', [batches]);
    } catch (error) {
      this.confirmed = [...batches, ...this.confirmed];
      throw error;
    }
  }
}

/** The places of the keys as a bigint of PostgreSQL: bit n stands for place n. */
const placesOf = (records: readonly OutgoingRecord[]): string => {
  const places = new Set(records.map(({ key }) => placeOf(key)));
  return String(
    BigInt.asIntN(
      64,
      [...places].reduce((bits, place) => bits | (1n << BigInt(place)), 0n),
    ),
  );
};
