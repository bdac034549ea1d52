import type { ServiceName } from '@readmit/contracts';
import { queueFigures, type ServiceRuntime, type EngineObserver } from '@readmit/runtime';
import type { Bus } from '@readmit/bus';
import type { Store } from '@readmit/store';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '../log/logger.js';
import type { ServiceFigures } from '../service-app.js';

/** What is asked at a scrape; whatever is not there yet, or is away, has no value then. */
export interface Sources {
  readonly engine: ServiceRuntime;
  readonly store: Pick<Store, 'query'>;
  readonly outbox?: Bus['outbox'] | undefined;
}

/**
 * The metrics of one service, in a registry of its own: several services may share a process. They hold counts and times: no name, no
 * id, no text of anybody. Every name is in docs/operations.md.
 */
export class Instruments {
  private readonly registry = new Registry();
  private readonly registers = [this.registry];
  private readonly requests: Histogram<'method' | 'route' | 'status'>;
  private readonly refusals: Counter<'rule' | 'reason'>;
  private readonly waits: readonly { readonly metric: Histogram; readonly of: NonNullable<ServiceFigures['waits']>[string]['of'] }[];
  private readonly parked: Gauge<'reason'>;
  private readonly gauges = new Map<string, Gauge>();
  private readonly startedAt = performance.now();

  constructor(
    service: ServiceName,
    private readonly log: Log,
    private readonly own: ServiceFigures = {},
  ) {
    const { registers } = this;
    this.registry.setDefaultLabels({ service });
    this.requests = new Histogram({
      name: 'readmit_http_request_seconds',
      help: 'HTTP requests by route and status; alert on an increase of 5xx, check an increase of 401, 403 and 429.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    this.refusals = new Counter({
      name: 'readmit_refusals_total',
      help: 'Refused commands and requests, by rule and reason; check an increase of one reason.',
      labelNames: ['rule', 'reason'],
      registers,
    });
    this.waits = Object.entries(own.waits ?? {}).map(([name, { says, buckets, of }]) => ({
      metric: new Histogram({ name: `readmit_${name}`, help: says, buckets: [...buckets], registers }),
      of,
    }));
    this.parked = new Gauge({
      name: 'readmit_parked_messages',
      help: 'Parked messages that wait for an operator, by reason; alert on any.',
      labelNames: ['reason'],
      registers,
    });
    for (const [name, says] of Object.entries({ ...gauges, ...own.gauges }))
      this.gauges.set(name, new Gauge({ name: `readmit_${name}`, help: says, registers }));
  }

  /** Sees each event after its commit. */
  readonly observer: EngineObserver = {
    emitted: (events) => {
      for (const event of events) {
        if (event.type.endsWith('.refused') && 'rule' in event.data && 'reason' in event.data)
          this.refusals.inc({ rule: String(event.data.rule), reason: String(event.data.reason) });
        for (const { metric, of } of this.waits) {
          const seconds = of(event);
          if (seconds !== undefined) metric.observe(Math.max(0, seconds));
        }
      }
    },
  };

  request(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** The text format of Prometheus. A service that cannot say how it goes shows `ready` 0 instead of failing the scrape. */
  async scrape({ engine, store, outbox }: Sources): Promise<{ readonly type: string; readonly text: string }> {
    const [progress, queue, unsent, own] = await Promise.all([
      this.asked('progress', () => engine.progress()),
      this.asked('queues', () => queueFigures(store)),
      this.asked('outbox', async () => outbox?.()),
      this.asked('figures', async () => this.own.read?.()),
    ]);
    const lastBatchAt = progress?.lastBatchAt;
    const breakers = engine.openBreakers?.() ?? [];
    const values = {
      ready: progress?.ready ? 1 : 0,
      lag_records: progress?.lag ?? undefined,
      last_batch_age_seconds: lastBatchAt
        ? Math.max(0, (Date.now() - Date.parse(lastBatchAt)) / 1000)
        : (performance.now() - this.startedAt) / 1000,
      work_waiting: queue?.workDue,
      work_running: queue?.workRunning,
      work_failing: queue?.workFailing,
      work_oldest_seconds: queue?.oldestWorkSeconds,
      breakers_open: breakers.length,
      breakers_open_seconds: breakers.reduce((longest, { since }) => Math.max(longest, (Date.now() - since) / 1000), 0),
      outbox_waiting_events: unsent?.waiting,
      outbox_oldest_seconds: unsent?.oldestSeconds,
      ...own,
    };
    const valueOf = new Map<string, number | undefined>(Object.entries(values));
    for (const [name, metric] of this.gauges) {
      // What could not be read is absent, so that an alert on it sees that; a value of long ago would look well.
      const value = valueOf.get(name);
      if (value === undefined) metric.remove();
      else metric.set(value);
    }
    this.parked.reset();
    for (const [reason, messages] of Object.entries(queue?.parked ?? {})) this.parked.set({ reason }, messages);
    this.count(engine);
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }

  /** Counters live in the engine; what a service counts in addition joins them by name. */
  private count({ counters, counts }: ServiceRuntime): void {
    for (const [name, { says, value }] of Object.entries({ ...countersOf(counters), ...counts })) {
      const metric =
        (this.registry.getSingleMetric(`readmit_${name}_total`) as Counter | undefined) ??
        new Counter({ name: `readmit_${name}_total`, help: says, registers: this.registers });
      metric.reset();
      metric.inc(value);
    }
  }

  private async asked<T>(what: string, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      this.log.warn({ err: error, what }, 'could not read metric; omitted from this scrape');
      return undefined;
    }
  }
}

const gauges = {
  ready: '1 while the service makes progress; alert when 0 for more than a minute.',
  lag_records:
    'Consumer lag: records waiting on the partitions of this process; alert when it grows for minutes, or is absent while the service is ready.',
  last_batch_age_seconds: 'Time since the last batch, or since start; a problem when high while records wait.',
  work_waiting: 'Slow work that is due and waits for a worker; alert when it grows for minutes.',
  work_running: 'Calls in progress to targets, directories and mail.',
  work_failing: 'Work that has failed at least five times and is being retried; alert when above 0 for minutes.',
  work_oldest_seconds: 'Age of the oldest due work; alert above a minute: it may be an undo.',
  breakers_open: 'Connectors, by lane, that this process does not call because they cannot be reached; the log names them.',
  breakers_open_seconds: 'How long the oldest of these has been open; alert above 5 minutes.',
  outbox_waiting_events: 'Committed events that Kafka has not confirmed; alert when it grows for minutes. Always 0 on the embedded bus.',
  outbox_oldest_seconds: 'Age of the oldest event that Kafka has not confirmed; alert above 30 seconds. Always 0 on the embedded bus.',
} as const;

const countersOf = (counters: ServiceRuntime['counters']) => ({
  batches: { says: 'Batches processed.', value: counters.batches },
  messages: { says: 'Messages processed.', value: counters.messages },
  events: { says: 'Events emitted.', value: counters.events },
  statements: { says: 'Statements sent to the database in transactions.', value: counters.statements },
  commits: { says: 'Transactions committed.', value: counters.commits },
  messages_parked: { says: 'Messages parked since start; alert on any increase.', value: counters.parked },
});
