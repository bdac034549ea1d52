/** What is played against a program, and what is measured of it: the same for every program. */
import { services, topicOf, type ServiceName } from '@readmit/contracts';
import { busSchema, schemaOf, tablesOfTopic } from '@readmit/store';
import pg from 'pg';
import { cpuOf, ownCpu } from '../cpu.js';
import type { Script } from './script.js';

/** All cases at once, or so many a second whatever becomes of those before (open loop). */
export interface Load {
  readonly cases: number;
  readonly perSecond?: number;
}
export interface Counters {
  statements: number;
  commits: number;
  batches: number;
  messages: number;
}
/** A program at work on one fresh database. */
export interface Running {
  /** Asks for case `n`. */
  open(n: number): void;
  /** `onEnd` is told when intake has closed a case; rejects when one comes to nothing. */
  play(cases: number, onEnd: (n: number) => void): Promise<void>;
  counters(): Counters;
  /** What does not depend on SQL alone: throws when the program's own log does not verify. */
  verify(): Promise<void>;
  stop(): Promise<void>;
}
export interface Place {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly ownerUrl: string;
  readonly databasePid: number;
  readonly script: Script | undefined;
}
export type Open = (place: Place) => Promise<Running>;

export interface Measured extends Counters {
  readonly cases: number;
  /** From the first case asked for to the last record taken by everybody. */
  readonly seconds: number;
  readonly nodeCpu: number;
  readonly databaseCpu: number;
  readonly walBytes: number;
  readonly rss: number;
  /** Milliseconds from when a case should have been asked for until intake had closed it, sorted. */
  readonly latencies: readonly number[];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const lagSql = `SELECT coalesce(sum(behind), 0)::bigint AS lag FROM (${services
  .flatMap((reader) =>
    services.map(
      (producer) =>
        `SELECT sum(h.next_offset - p.next_offset) AS behind FROM ${schemaOf(reader)}.position p
         JOIN ${busSchema}.${tablesOfTopic(topicOf(producer)).head} h USING (partition) WHERE p.topic = '${topicOf(producer)}'`,
    ),
  )
  .join(' UNION ALL ')}) s`;

/** Resolves when every consumer of the database has taken everything. */
export async function drained(owner: pg.Client): Promise<void> {
  for (const until = performance.now() + 120_000; ;) {
    const { rows } = await owner.query<{ lag: string }>(lagSql);
    if (rows[0]?.lag === '0') return;
    if (performance.now() > until) throw new Error(`records are left behind: ${rows[0]?.lag}`);
    await pause(25);
  }
}

/** Asks for the cases when it is their time, late ones at once; resolves when all have been asked for. */
async function arrive(load: Load, started: number, open: (n: number) => void): Promise<void> {
  const { cases, perSecond } = load;
  for (let n = 0; n < cases;) {
    const due = perSecond === undefined ? cases : Math.min(cases, 1 + Math.floor(((performance.now() - started) * perSecond) / 1000));
    while (n < due) open(n++);
    if (n < cases && perSecond !== undefined) await pause(Math.max(1, started + (n * 1000) / perSecond - performance.now()));
  }
}

export async function playLoad(open: Open, place: Place, load: Load): Promise<Measured> {
  const owner = new pg.Client({ connectionString: place.ownerUrl });
  await owner.connect();
  const running = await open(place);
  try {
    const wal = async (): Promise<number> => {
      const { rows } = await owner.query<{ bytes: string }>(`SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes`);
      return Number(rows[0]?.bytes ?? 0);
    };
    const take = async () => ({
      counters: { ...running.counters() },
      node: ownCpu(),
      database: await cpuOf(place.databasePid),
      wal: await wal(),
    });
    const before = await take();
    const started = performance.now();
    const latencies: number[] = [];
    const played = running.play(load.cases, (n) =>
      latencies.push(performance.now() - started - (load.perSecond === undefined ? 0 : (n * 1000) / load.perSecond)),
    );
    await Promise.all([arrive(load, started, (n) => running.open(n)), played]);
    await drained(owner);
    const seconds = (performance.now() - started) / 1000;
    const after = await take();
    await running.verify();
    const spent = (what: keyof Counters): number => after.counters[what] - before.counters[what];
    return {
      cases: load.cases,
      seconds,
      nodeCpu: after.node - before.node,
      databaseCpu: after.database - before.database,
      walBytes: after.wal - before.wal,
      rss: process.memoryUsage().rss,
      latencies: latencies.sort((a, b) => a - b),
      statements: spent('statements'),
      commits: spent('commits'),
      batches: spent('batches'),
      messages: spent('messages'),
    };
  } finally {
    await running.stop();
    await owner.end();
  }
}
