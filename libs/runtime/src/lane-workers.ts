/** Hands due work of one lane to a few calls at a time. Who claims a row is decided by the database; this only decides when to ask for it. */
import { WakeUp, backoffMs, messageOf } from '@readmit/platform';
import { Calls } from './calls.js';
import type { Lane } from './service-definition.js';
import type { Transactor } from './transact.js';
import { WorkAhead, type ObjectsInUse } from './work-ahead.js';
import { candidates, type Candidate } from './work-row.js';
import type { Intent } from './work-results.js';
import { WorkRun } from './work-run.js';

/** The database is asked at least this often: for what another process left, and for what this one has forgotten. */
const sweepMs = 1_000;

export class LaneWorkers {
  private loop: Promise<void> | undefined;
  private stopping = false;
  private readonly wakeUp = new WakeUp();
  private readonly running = new Map<string, Promise<void>>();
  private readonly ahead: WorkAhead;
  private readonly run: WorkRun;
  private readonly leaseMs: number;
  private readonly calls: Calls;
  private sweepAt = 0;
  /** The last search may have left some out. */
  private foundMany = false;

  constructor(
    private readonly transactor: Transactor,
    private readonly lane: Lane,
    calls: number,
    objects: ObjectsInUse | undefined,
  ) {
    this.leaseMs = transactor.options.leaseMs ?? 30_000;
    this.calls = new Calls(calls, this.leaseMs);
    this.ahead = new WorkAhead(objects, { urgent: lane === 'urgent', onFree: () => this.wakeUp.wake() });
    this.run = new WorkRun(transactor, { lane, leaseMs: this.leaseMs }, this.calls, (row, notBefore) => this.expect(row, notBefore));
  }

  start(): void {
    if (!this.stopping) this.loop ??= this.look();
  }

  /** Takes no more and waits for the calls under way; each ends at half of its lease. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp.wake();
    await this.loop;
    await Promise.all(this.running.values());
  }

  /** Told of work that will be due. */
  expect(candidate: Candidate, notBefore: Date): void {
    this.ahead.add(candidate, notBefore.getTime());
    this.wakeUp.wake();
  }

  private async look(): Promise<void> {
    const { log, definition } = this.transactor.options;
    for (let failures = 0; !this.stopping;) {
      try {
        const free = this.calls.claims - this.running.size;
        const found = free > 0 ? await this.candidates(free) : [];
        if (found.length > 0) await this.begin(found);
        failures = 0;
        // A slot that becomes free wakes the loop; with all slots taken there is nothing else to wait for.
        if (found.length === 0 && !this.stopping) await this.wakeUp.wait(free > 0 ? this.untilNext() : sweepMs);
      } catch (error) {
        log.warn({ service: definition.name, error: messageOf(error) }, 'could not claim due work; retrying');
        await this.wakeUp.wait(backoffMs(failures++));
      }
    }
  }

  /** What is known to be due; from time to time, and when nothing is known, what the database finds. */
  private async candidates(free: number): Promise<readonly Candidate[]> {
    if (performance.now() < this.sweepAt) {
      const known = this.ahead.due(this.transactor.now().getTime(), free);
      if (known.length > 0 || !this.foundMany) return known;
    }
    const found = await candidates(this.transactor.options.store, this.lane, {
      most: free,
      except: [...this.running.keys()],
      leaseMs: this.leaseMs,
    });
    this.sweepAt = performance.now() + sweepMs;
    this.foundMany = found.length === free;
    for (const one of found) this.ahead.began(one);
    return found;
  }

  private untilNext(): number {
    const next = this.ahead.next();
    const asked = this.sweepAt - performance.now();
    return Math.max(1, Math.min(asked, next === undefined ? sweepMs : next - this.transactor.now().getTime()));
  }

  private async begin(found: readonly Candidate[]): Promise<void> {
    let begun: readonly Intent[] = [];
    try {
      if (!this.stopping) begun = await this.run.intend(found);
    } finally {
      const going = new Set(begun.map(({ row }) => row.id));
      for (const one of found) if (!going.has(one.id)) this.ahead.over(one);
    }
    for (const intent of begun) this.carryOut(intent);
  }

  private carryOut(intent: Intent): void {
    const { row } = intent;
    const done = this.run.carryOut(intent).then(() => {
      this.running.delete(row.id);
      this.ahead.over(row);
      this.wakeUp.wake();
    });
    this.running.set(row.id, done);
  }
}
