/** R0 on the embedded bus: a fetching loop for each topic, positions in the statement. */
import { busSchema, tablesOfTopic } from '@readmit/store';
import type pg from 'pg';
import { cap, type BareBus, type HeardRecord, type Take } from './bare-bus.js';
import type { Counters } from '../counters.js';
import type { Move } from './statement.js';

const pollMs = 250;

interface LogRow extends HeardRecord {
  readonly partition: number;
  readonly offset: string;
  readonly next_offset: string;
}

export class TableBus implements BareBus {
  readonly saysTo = 'topics';
  readonly topics: readonly string[];
  private readonly schema: string;
  private readonly connect: () => Promise<pg.Client>;
  private readonly counters: Counters;
  private readonly fail: (error: unknown) => void;
  private readonly readers: pg.Client[] = [];
  private readonly bells = new Map<string, () => void>();
  private readonly hinted = new Set<string>();
  private readonly fetching: Promise<void>[] = [];
  private stopping = false;

  constructor(options: {
    readonly schema: string;
    readonly topics: readonly string[];
    readonly connect: () => Promise<pg.Client>;
    readonly counters: Counters;
    readonly fail: (error: unknown) => void;
  }) {
    this.schema = options.schema;
    this.topics = options.topics;
    this.connect = options.connect;
    this.counters = options.counters;
    this.fail = options.fail;
  }

  async start(take: Take): Promise<void> {
    for (const topic of this.topics) {
      const reader = await this.connect();
      this.readers.push(reader);
      await reader.query('INSERT INTO position (group_name, topic, partition) SELECT $1, $2, p FROM generate_series(0, 3) p', [
        this.schema,
        topic,
      ]);
      this.fetching.push(this.fetchLoop(reader, topic, take));
    }
  }

  hint(topic: string): void {
    this.hinted.add(topic);
    this.bells.get(topic)?.();
  }

  said(): void {}
  confirmed(): readonly string[] {
    return [];
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const ring of this.bells.values()) ring();
    await Promise.all(this.fetching);
    for (const reader of this.readers) await reader.end();
  }

  private async fetchLoop(reader: pg.Client, topic: string, take: Take): Promise<void> {
    const { log } = tablesOfTopic(topic);
    const text = `SELECT p.next_offset, r.partition, r."offset", r.key, r.headers, r.value
      FROM (SELECT partition, next_offset FROM position WHERE group_name = '${this.schema}' AND topic = '${topic}' ORDER BY partition) p
      CROSS JOIN LATERAL (SELECT partition, "offset", key, headers, value FROM ${busSchema}.${log}
        WHERE partition = p.partition AND "offset" >= p.next_offset ORDER BY "offset" LIMIT ${cap}) r LIMIT ${cap}`;
    const name = `fetch_${log}`;
    try {
      while (!this.stopping) {
        this.hinted.delete(topic);
        this.counters.statements++;
        const rows = (await reader.query<LogRow>({ name, text })).rows;
        if (rows.length > 0) await take(rows, movesOf(topic, rows)).done;
        else if (!this.hinted.has(topic)) await this.rest(topic);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private async rest(topic: string): Promise<void> {
    if (this.stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      this.bells.set(topic, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.bells.delete(topic);
  }
}

function movesOf(topic: string, rows: readonly LogRow[]): readonly Move[] {
  const moves = new Map<number, Move>();
  for (const { partition, offset, next_offset } of rows)
    moves.set(partition, { topic, partition, from: next_offset, to: String(Number(offset) + 1) });
  return [...moves.values()];
}
