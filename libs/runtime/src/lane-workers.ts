/** Hands due work of one lane to a few calls at a time. Who claims a row is decided by the database; this only decides when to ask for it. */
import { WakeUp, backoffMs, messageOf } from '@readmit/platform';
import type { Breakers } from './breaker.js';
import { Calls } from './calls.js';
import type { Lane } from './service-definition.js';
import type { Transactor } from './transact.js';
import { keptOf, Shares } from './shares.js';
import { WorkAhead, type ObjectsInUse, type Places } from './work-ahead.js';
import { candidates, type Candidate } from './work-row.js';
import type { Intent } from './work-results.js';
import { WorkRun } from './work-run.js';

/** The database is asked at least this often: for what another process left, and for what this one has forgotten. */
const sweepMs = 1_000;

export class LaneWorkers {
  private loop: Promise<void> | undefined;
  private stopping = false;
  private readonly wakeUp = new WakeUp();
  private readonly running = new Map<string, { readonly connector: string; readonly done: Promise<void> }>();
  private readonly ahead: WorkAhead;
  private readonly run: WorkRun;
  private readonly leaseMs: number;
  private readonly calls: Calls;
  /** Claims that are held or about to be. */
  private readonly claimed: Shares;
  private readonly places: Places = {
    from: (connector) =>
      this.claimed.hasRoom(connector, this.calls.claims(connector)) ? this.breakers.from(this.lane, connector) : Infinity,
    held: (connector) => this.claimed.held(connector),
    take: (candidate) => {
      this.claimed.take(candidate.connector);
      this.breakers.claim(this.lane, candidate);
    },
  };
  private sweepAt = 0;
  /** The last search may have left some out. */
  private foundMany = false;

  constructor(
    private readonly transactor: Transactor,
    private readonly lane: Lane,
    private readonly most: number,
    objects: ObjectsInUse | undefined,
    private readonly breakers: Breakers,
  ) {
    this.leaseMs = transactor.options.leaseMs ?? 30_000;
    this.calls = new Calls(most, this.leaseMs);
    this.claimed = new Shares(keptOf(most));
    this.ahead = new WorkAhead(objects, { urgent: lane === 'urgent', onFree: () => this.wakeUp.wake() });
    this.run = new WorkRun(transactor, { lane, leaseMs: this.leaseMs, calls: this.calls, breakers }, (row, notBefore) =>
      this.expect(row, notBefore),
    );
  }

  start(): void {
    if (!this.stopping) this.loop ??= this.look();
  }

  /** Takes no more and waits for the calls under way; each ends at half of its lease. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp.wake();
    await this.loop;
    await Promise.all([...this.running.values()].map(({ done }) => done));
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
        const found = await this.candidates();
        if (found.length > 0) await this.begin(found);
        failures = 0;
        // A call that ends wakes the loop.
        if (found.length === 0 && !this.stopping) await this.wakeUp.wait(this.untilNext());
      } catch (error) {
        log.warn({ service: definition.name, error: messageOf(error) }, 'could not claim due work; retrying');
        await this.wakeUp.wait(backoffMs(failures++));
      }
    }
  }

  /** What is known to be due; from time to time, and when nothing is known, what the database finds. Each has a place. */
  private async candidates(): Promise<readonly Candidate[]> {
    const now = this.transactor.now().getTime();
    const most = this.calls.mostClaims;
    if (performance.now() < this.sweepAt) {
      const known = this.ahead.due(now, this.places);
      if (known.length > 0 || !this.foundMany || this.claimed.isFull(most)) return known;
    }
    const running = [...this.running.values()];
    const limit = Math.max(keptOf(this.most), most - running.length);
    const found = await candidates(this.transactor.options.store, this.lane, {
      most: limit,
      except: [...this.running.keys()],
      full: [...new Set([...running, ...this.breakers.open(this.lane)].map(({ connector }) => connector))].filter(
        (connector) => this.places.from(connector) > now,
      ),
      leaseMs: this.leaseMs,
    });
    this.sweepAt = performance.now() + sweepMs;
    this.foundMany = found.length === limit;
    const taken = found.filter((one) => {
      const free = this.places.from(one.connector) <= now;
      if (free) this.places.take(one);
      return free;
    });
    for (const one of taken) this.ahead.began(one);
    return taken;
  }

  private untilNext(): number {
    const next = this.ahead.next(this.places);
    const asked = this.sweepAt - performance.now();
    return Math.max(1, Math.min(asked, next === undefined ? sweepMs : next - this.transactor.now().getTime()));
  }

  private async begin(found: readonly Candidate[]): Promise<void> {
    let begun: readonly Intent[] = [];
    try {
      if (!this.stopping) begun = await this.run.intend(found);
    } finally {
      const going = new Set(begun.map(({ row }) => row.id));
      for (const one of found) if (!going.has(one.id)) this.over(one);
    }
    for (const intent of begun) this.carryOut(intent);
  }

  private carryOut(intent: Intent): void {
    const { row } = intent;
    const done = this.run.carryOut(intent).then(() => {
      this.running.delete(row.id);
      this.over(row);
      this.wakeUp.wake();
    });
    this.running.set(row.id, { connector: row.connector, done });
  }

  private over(one: Pick<Candidate, 'id' | 'connector' | 'object'>): void {
    this.claimed.giveBack(one.connector);
    this.breakers.over(this.lane, one);
    this.ahead.over(one);
  }
}
