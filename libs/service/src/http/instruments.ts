import type { Area } from '@readmit/contracts';
import type { Engine } from '@readmit/bus';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The metrics of one service, in a registry of its own: several services may share a process. */
export class Instruments {
  private readonly registry = new Registry();
  private readonly requests: Histogram<'method' | 'route' | 'status'>;
  private readonly gauges: Readonly<Record<'ready' | 'lag' | 'parked' | 'workWaiting', Gauge>>;
  private readonly counters: readonly { readonly metric: Counter; readonly of: (engine: Engine) => number }[];

  constructor(area: Area, engine: Engine) {
    const registers = [this.registry];
    const gauge = (name: string, help: string) => new Gauge({ name: `readmit_${area}_${name}`, help, registers });
    const counter = (name: string, help: string, of: (engine: Engine) => number) => ({
      metric: new Counter({ name: `readmit_${area}_${name}_total`, help, registers }),
      of,
    });
    this.requests = new Histogram({
      name: `readmit_${area}_http_request_seconds`,
      help: 'HTTP requests by route and status; alert on a rise of 5xx, look at a rise of 401, 403 and 429.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    this.gauges = {
      ready: gauge('ready', '1 while the service makes progress; alert when 0 for more than a minute.'),
      lag: gauge('lag_records', 'Records that wait on the held partitions; alert when it grows for minutes.'),
      parked: gauge('parked', 'Messages that could not be taken and wait for an operator; alert when above 0.'),
      workWaiting: gauge('work_waiting', 'Slow work that waits for a worker; alert when it grows for minutes.'),
    };
    this.counters = [
      counter('batches', 'Batches taken.', (engine) => engine.counters.batches),
      counter('messages', 'Messages taken.', (engine) => engine.counters.messages),
      counter('events', 'Events said.', (engine) => engine.counters.events),
      counter('statements', 'Statements sent to the database.', (engine) => engine.counters.statements),
      counter('commits', 'Transactions committed.', (engine) => engine.counters.commits),
      counter('messages_parked', 'Messages parked since the start.', (engine) => engine.counters.parked),
      ...Object.entries(engine.counts ?? {}).map(([name, { says }]) => counter(name, says, ({ counts }) => counts?.[name]?.value ?? 0)),
    ];
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status: String(status) }, seconds);
  }

  /** The text format of Prometheus. A service that cannot say how it goes shows `ready` 0 instead of failing the scrape. */
  async scrape(engine: Engine): Promise<{ readonly type: string; readonly text: string }> {
    const progress = await engine.progress().catch(() => undefined);
    this.gauges.ready.set(progress?.ready ? 1 : 0);
    if (progress) {
      this.gauges.lag.set(progress.lag);
      this.gauges.parked.set(progress.parked);
      this.gauges.workWaiting.set(progress.workWaiting);
    }
    for (const { metric, of } of this.counters) {
      metric.reset();
      metric.inc(of(engine));
    }
    return { type: this.registry.contentType, text: await this.registry.metrics() };
  }
}
