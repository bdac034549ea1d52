/**
 * The loop over the topics of a service: fetch a batch, have it persisted, confirm its position, repeat. The engine of facts, the log of
 * audit and the signals of identity providers all use it; what a batch means is up to its handler.
 */
import { isStaleOwner, type Batch, type Bus, type Subscription } from '@readmit/bus';
import { backoffMs, WakeUp, messageOf, type Log } from '@readmit/platform';

export interface BatchHandler {
  /**
   * Makes everything that follows from the batch durable, and moves the position in the same transaction where the bus can (`batch.commit`).
   * MUST be repeatable: after a failure the same batch is passed again until it succeeds, so an outage loses nothing.
   */
  persist(batch: Batch): Promise<void>;
  /** Called once the batch is durable and its position is not confirmed yet. */
  persisted?(): void;
  /** Called once the position is confirmed. */
  confirmed?(): void;
}

export interface MessageLoopOptions {
  readonly service: string;
  readonly bus: Pick<Bus, 'subscribe'>;
  readonly group: string;
  /** None: the loop does nothing. */
  readonly topics: readonly string[];
  readonly member: string;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
  /** Incremented for each batch that is durable. */
  readonly counters: { batches: number; messages: number };
  readonly now: () => Date;
  /** Records of a batch at most; default 500. */
  readonly maxBatch?: number | undefined;
}

/** How often a service that is behind logs that its work waits for that. */
const logEveryMs = 30_000;
/** How often it asks the bus for its lag again: partitions that another member owns by now are not waited for. */
const askEveryMs = 1_000;

export class MessageLoop {
  lastBatchAt: Date | null = null;
  /** What the loop is retrying at the moment, with the error. */
  failing: string | undefined;
  private subscription: Subscription | undefined;
  private loop: Promise<void> | undefined;
  private processing: Promise<void> | undefined;
  private stopping = false;
  private readonly retry = new WakeUp();
  private readonly catchUp = new WakeUp();

  constructor(
    private readonly options: MessageLoopOptions,
    private readonly handler: BatchHandler,
  ) {}

  get subscribed(): boolean {
    return this.subscription !== undefined;
  }

  /** @throws {Error} the bus refuses the subscription. */
  async start(): Promise<void> {
    if (this.options.topics.length === 0) return;
    const subscription = await this.subscribe();
    this.loop = this.run(subscription);
  }

  /** Returns at once and subscribes in the background until it succeeds: topics that cannot be read do not keep the service from starting. */
  startInBackground(): void {
    this.loop ??= (async () => {
      const subscription = await this.untilDone('could not subscribe', () => this.subscribe());
      if (subscription) await this.run(subscription);
    })();
  }

  /** Finishes the batch under way and confirms it, so that it is not redelivered; fetches no more. During an outage it gives the batch up. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.retry.wake();
    this.catchUp.wake();
    await this.processing;
    await this.subscription?.close();
    await this.loop;
  }

  /** Records after the position; undefined while there is no subscription. */
  async lag(): Promise<bigint | undefined> {
    return this.subscription?.lag();
  }

  /**
   * Resolves when what lay on the owned partitions at the call has been processed, or the loop stops: a freeze or an end that was published
   * while this service was down forbids work that is due. That may take long: what must not wait for it is started before.
   */
  async caughtUp(): Promise<void> {
    const { counters, log, service, group } = this.options;
    let goal: number | undefined;
    let lag: number | undefined;
    let asked = -Infinity;
    let logged = performance.now();
    for (let failures = 0; !this.stopping;) {
      if (goal !== undefined && counters.messages >= goal) return;
      try {
        if (goal === undefined || performance.now() - asked >= askEveryMs) {
          asked = performance.now();
          lag = Number((await this.lag()) ?? 0n);
          if (lag === 0) return;
          goal ??= counters.messages + lag;
        }
        failures = 0;
      } catch (error) {
        log.warn({ service, group, error: messageOf(error) }, 'could not read consumer lag; retrying');
        failures++;
      }
      if (performance.now() - logged >= logEveryMs) {
        logged = performance.now();
        log.warn({ service, group, lag }, 'catching up: only revocations run until the backlog has been processed');
      }
      await this.catchUp.wait(failures > 0 ? backoffMs(failures) : 20);
    }
  }

  private async subscribe(): Promise<Subscription> {
    const { bus, group, topics, member } = this.options;
    const subscription = await bus.subscribe({ group, topics, member });
    // Stopped meanwhile: `stop` did not see it.
    if (this.stopping) await subscription.close();
    this.subscription = subscription;
    return subscription;
  }

  private async run(subscription: Subscription): Promise<void> {
    const { maxBatch = 500 } = this.options;
    while (!this.stopping) {
      const batch = await this.untilDone('could not fetch a batch', () => subscription.next(maxBatch));
      if (!batch) return;
      this.processing = this.process(batch);
      await this.processing;
    }
  }

  /** Only what is durable is confirmed. */
  private async process(batch: Batch): Promise<void> {
    const { counters, log, service, group, now } = this.options;
    const { records } = batch;
    const done = await this.untilDone('could not persist a batch', () => this.persist(batch), { records: records.length });
    if (done !== 'persisted') return;
    this.lastBatchAt = now();
    counters.batches++;
    counters.messages += records.length;
    this.handler.persisted?.();
    try {
      await batch.afterCommit();
      this.handler.confirmed?.();
    } catch (error) {
      log.warn(
        { service, group, error: messageOf(error) },
        'could not confirm the position of a committed batch; its messages may be redelivered and are then ignored as duplicates',
      );
    }
  }

  private async persist(batch: Batch): Promise<'persisted' | 'dropped'> {
    try {
      await this.handler.persist(batch);
      return 'persisted';
    } catch (error) {
      if (!isStaleOwner(error)) throw error;
      const { log, service, group } = this.options;
      log.info({ service, group }, 'dropped a batch: another member of the group owns one of its partitions now');
      return 'dropped';
    }
  }

  /** Retries with growing delays until it succeeds; `undefined` when the loop stops first. */
  private async untilDone<Result>(failed: string, attempt: () => Promise<Result>, more: object = {}): Promise<Result | undefined> {
    const { log, service, group } = this.options;
    for (let failures = 0; !this.stopping; failures++) {
      try {
        const result = await attempt();
        this.failing = undefined;
        return result;
      } catch (error) {
        this.failing = `${failed}: ${messageOf(error)}`;
        log.warn({ service, group, failures: failures + 1, error: messageOf(error), ...more }, `${failed}; retrying`);
        await this.retry.wait(backoffMs(failures));
      }
    }
    return undefined;
  }
}
