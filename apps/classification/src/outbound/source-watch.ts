import { messageOf } from '@readmit/platform';
import type { Log } from '@readmit/service';
import type { FactSource } from './fact-source.js';
import { LeaseLost, type SourceRun, type SourceTables } from './source-tables.js';

/** Of one run; a complete pass of 100,000 people takes less than one. */
const runMs = 15 * 60_000;

/** Keeps the tables of a live source current, in one process at a time. */
export class SourceWatch {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private completeAt: Date | undefined;
  /** What is wrong, for logs and readiness. */
  problem: string | undefined;

  constructor(
    private readonly source: FactSource,
    private readonly tables: SourceTables,
    private readonly log: Pick<Log, 'error' | 'info'>,
    private readonly now: () => Date,
  ) {}

  start(): void {
    this.running = this.run()
      .catch((error: unknown) => this.report(messageOf(error)))
      .finally(() => {
        if (!this.stopping.signal.aborted) this.timer = setTimeout(() => this.start(), this.source.pollSeconds * 1000);
      });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await this.running;
    // Should the database be down, the lease ends by itself.
    await this.tables.leave().catch(() => undefined);
  }

  /** One run: a complete pass if one is due, otherwise what changed. */
  async run(): Promise<void> {
    const run = await this.tables.take();
    if (!run) return;
    try {
      this.report(await this.read(run));
    } catch (error) {
      if (this.stopping.signal.aborted || error instanceof LeaseLost) return;
      const problem = messageOf(error);
      await this.tables.failed(run, problem);
      this.report(problem);
    }
  }

  /** @returns why the source will get too old. */
  private async read(run: SourceRun): Promise<string | undefined> {
    const { source, tables, now } = this;
    const startedAt = now();
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(runMs)]);
    const long = (since: Date | undefined): boolean =>
      since === undefined || startedAt.getTime() - since.getTime() >= source.completeSeconds * 1000;
    // While an operator is asked, a complete pass is no more frequent than otherwise.
    const due = long(run.readAt) && (run.removals === 0 || long(this.completeAt));
    if (!due && run.mark === undefined) return asked(run.removals);
    const mark = await source.read(due ? undefined : run.mark, tables.sink(run, now), signal);
    if (!due) {
      await tables.changed(run, mark, now());
      return run.removals === 0 ? undefined : asked(run.removals);
    }
    this.completeAt = startedAt;
    const { acceptRemovals } = source;
    const accepted = acceptRemovals && startedAt.getTime() < Date.parse(acceptRemovals.until) ? acceptRemovals.atMost : 0;
    const kept = await tables.complete(run, mark, { startedAt, now: now() }, accepted);
    return kept === 0 ? undefined : asked(kept);
  }

  /** Logs a change of the problem once. */
  private report(problem: string | undefined): void {
    if (problem === this.problem) return;
    this.problem = problem;
    const { name } = this.source;
    if (problem === undefined) this.log.info({ source: name }, 'the directory source is available again');
    else this.log.error({ source: name, error: problem }, 'the directory source has a problem');
  }
}

const asked = (removals: number): string =>
  `${removals} people are missing, more than a tenth: nobody is removed. Correct the source, or set acceptRemovals with atMost: ${removals} and restart`;
