/** What is played against a program, and what is measured of it: the same for every program. */
import { services, type ServiceName } from '@readmit/contracts';
import pg from 'pg';
import type { Counters } from '../counters.js';
import { cpuOf, ownCpu } from '../cpu.js';
import { drained, lagOfKafka, lagOfTables } from './drain.js';
import type { KafkaPlace } from './kafka-arena.js';
import { countingSockets, plainClient, type Requests } from './kafka-client.js';
import type { Script } from './script.js';

/** All cases at once, or so many a second whatever becomes of those before (open loop). */
export interface Load {
  readonly cases: number;
  readonly perSecond?: number;
}
/** A program at work on one fresh database. */
export interface Running {
  /** Asks for case `n`. */
  open(n: number): void;
  /** `onEnd` is told when intake has closed a case; rejects when one ends without a grant. */
  play(cases: number, onEnd: (n: number) => void): Promise<void>;
  counters(): Counters | Promise<Counters>;
  /** What processes of its own have spent since they began; absent when it has none. */
  elsewhere?(): Promise<Elsewhere>;
  /** Topics that each service reads. */
  readonly reads: Readonly<Record<ServiceName, readonly string[]>>;
  /** What does not depend on SQL alone: throws when the program's own log does not verify. */
  verify(): Promise<void>;
  stop(): Promise<void>;
}
/** Of the services that have a process each. */
export interface Elsewhere extends Requests {
  /** CPU seconds of each. */
  readonly cpu: Readonly<Record<ServiceName, number>>;
  readonly rss: number;
}
export interface Place {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly ownerUrl: string;
  readonly databasePid: number;
  readonly script: Script | undefined;
  /** Absent: topics are tables of the database. */
  readonly kafka?: KafkaPlace;
}
export type Open = (place: Place) => Promise<Running>;

export interface Measured extends Counters, Requests {
  readonly cases: number;
  /** From the first case asked for to the last record taken by everybody. */
  readonly seconds: number;
  readonly nodeCpu: number;
  /** The part of it that the services' own processes spent, when they have some. */
  readonly serviceCpu?: Readonly<Record<ServiceName, number>>;
  readonly databaseCpu: number;
  /** Of the broker; 0 when there is none. */
  readonly brokerCpu: number;
  readonly walBytes: number;
  readonly rss: number;
  /** Milliseconds from when a case should have been asked for until intake had closed it, sorted. */
  readonly latencies: readonly number[];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks for the cases when it is their time, late ones at once; resolves when all have been asked for. */
async function arrive(load: Load, started: number, open: (n: number) => void): Promise<void> {
  const { cases, perSecond } = load;
  for (let n = 0; n < cases;) {
    const due = perSecond === undefined ? cases : Math.min(cases, 1 + Math.floor(((performance.now() - started) * perSecond) / 1000));
    while (n < due) open(n++);
    if (n < cases && perSecond !== undefined) await pause(Math.max(1, started + (n * 1000) / perSecond - performance.now()));
  }
}

/** The same place with sockets that count. */
export function counted(place: Place): { readonly place: Place; readonly requests: Requests } {
  const { requests, socketFactory } = countingSockets();
  if (!place.kafka) return { place, requests };
  const connections = Object.fromEntries(
    Object.entries(place.kafka.connections).map(([service, connection]) => [service, { ...connection, socketFactory }]),
  ) as KafkaPlace['connections'];
  return { place: { ...place, kafka: { ...place.kafka, connections } }, requests };
}

export async function playLoad(open: Open, given: Place, load: Load): Promise<Measured> {
  const { place, requests } = counted(given);
  const owner = new pg.Client({ connectionString: place.ownerUrl });
  await owner.connect();
  const admin = place.kafka && plainClient(place.kafka.admin, 'bench-load').admin();
  await admin?.connect();
  const running = await open(place);
  const lag = admin ? lagOfKafka(admin, owner, running.reads) : lagOfTables(owner);
  try {
    const wal = async (): Promise<number> => {
      const { rows } = await owner.query<{ bytes: string }>(`SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS bytes`);
      return Number(rows[0]?.bytes ?? 0);
    };
    const take = async () => ({
      counters: { ...(await running.counters()) },
      requests: { ...requests },
      node: ownCpu(),
      elsewhere: await running.elsewhere?.(),
      database: await cpuOf(place.databasePid),
      broker: place.kafka ? await cpuOf(place.kafka.brokerPid) : 0,
      wal: await wal(),
    });
    const before = await take();
    const started = performance.now();
    const latencies: number[] = [];
    const played = running.play(load.cases, (n) =>
      latencies.push(performance.now() - started - (load.perSecond === undefined ? 0 : (n * 1000) / load.perSecond)),
    );
    await Promise.all([arrive(load, started, (n) => running.open(n)), played]);
    await drained(lag);
    const seconds = (performance.now() - started) / 1000;
    const after = await take();
    await running.verify();
    const spent = (what: keyof Counters): number => after.counters[what] - before.counters[what];
    const asked = (what: keyof Requests): number =>
      after.requests[what] - before.requests[what] + ((after.elsewhere?.[what] ?? 0) - (before.elsewhere?.[what] ?? 0));
    const serviceCpu =
      after.elsewhere &&
      (Object.fromEntries(
        services.map((service) => [service, (after.elsewhere?.cpu[service] ?? 0) - (before.elsewhere?.cpu[service] ?? 0)]),
      ) as Record<ServiceName, number>);
    return {
      cases: load.cases,
      seconds,
      nodeCpu: after.node - before.node + Object.values(serviceCpu ?? {}).reduce((sum, seconds) => sum + seconds, 0),
      ...(serviceCpu ? { serviceCpu } : {}),
      databaseCpu: after.database - before.database,
      brokerCpu: after.broker - before.broker,
      walBytes: after.wal - before.wal,
      rss: process.memoryUsage().rss + (after.elsewhere?.rss ?? 0),
      latencies: latencies.sort((a, b) => a - b),
      statements: spent('statements'),
      commits: spent('commits'),
      batches: spent('batches'),
      messages: spent('messages'),
      produceRequests: asked('produceRequests'),
      fetchRequests: asked('fetchRequests'),
    };
  } finally {
    await running.stop();
    await admin?.disconnect();
    await owner.end();
  }
}
