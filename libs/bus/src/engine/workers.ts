/** Hands due work to a few calls at a time. Who claims a row is decided by the database; this only decides when to look. */
import { Bell, backoffMs } from './bell.js';
import { messageOf } from './blame.js';
import type { Transactor } from './transact.js';
import { candidatesSql, nextDueSql } from './work-row.js';
import { WorkRun, type Candidate } from './work-run.js';

const sweepMs = 1_000;

export class Workers {
  private loop: Promise<void> | undefined;
  private stopping = false;
  private readonly bell = new Bell();
  private readonly running = new Map<string, Promise<void>>();
  private readonly run: WorkRun;
  private readonly slots: number;

  constructor(private readonly transactor: Transactor) {
    const { leaseMs = 30_000, workers = 4 } = transactor.options;
    this.slots = workers;
    this.run = new WorkRun(transactor, leaseMs, () => new Bell());
    transactor.onCommit((pass) => {
      if (pass.asked.size > 0) this.bell.ring();
    });
  }

  start(): void {
    if (this.slots > 0 && Object.keys(this.transactor.options.definition.work).length > 0) this.loop = this.look();
  }

  /** Takes no more and waits for the calls under way; each ends at half of its lease. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.bell.ring();
    await this.loop;
    await Promise.all(this.running.values());
  }

  private async look(): Promise<void> {
    const { store, log, definition } = this.transactor.options;
    for (let failures = 0; !this.stopping;) {
      try {
        const free = this.slots - this.running.size;
        const found = free > 0 ? await store.query<Candidate>(candidatesSql, [free, [...this.running.keys()]]) : [];
        for (const candidate of found) if (!this.stopping) this.take(candidate);
        failures = 0;
        // A slot that gets free rings, so a full house waits for that alone.
        if (found.length === 0 && !this.stopping) await this.bell.wait(free > 0 ? await this.untilNext() : sweepMs);
      } catch (error) {
        log.warn({ service: definition.name, error: messageOf(error) }, 'due work could not be looked for; trying again');
        await this.bell.wait(backoffMs(failures++));
      }
    }
  }

  private async untilNext(): Promise<number> {
    const [next] = await this.transactor.options.store.query<{ ms: number | null }>(nextDueSql);
    return Math.min(sweepMs, Math.max(1, Math.ceil(next?.ms ?? sweepMs)));
  }

  private take(candidate: Candidate): void {
    const { log, definition } = this.transactor.options;
    const done = this.run
      .run(candidate)
      .catch(async (error: unknown) => {
        log.warn({ service: definition.name, work: candidate.id, error: messageOf(error) }, 'work could not be claimed; trying again');
        await new Bell().wait(backoffMs(3));
      })
      .then(() => {
        this.running.delete(candidate.id);
        this.bell.ring();
      });
    this.running.set(candidate.id, done);
  }
}
