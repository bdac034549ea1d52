/**
 * Wakes of a service that keeps its own (`timer`): sleeps until the earliest one, then runs what is due through the same
 * transaction. Memory only decides when to ask; the database decides what is due.
 */
import { WakeUp, backoffMs, messageOf, crashPoint } from '@readmit/platform';
import { HandlerFailed } from './handler-errors.js';
import type { Transactor } from './transact.js';

/** A sweep at least this often: what another process saved is seen without being told. */
const sweepMs = 1_000;
const atOnce = 500;
/** How long an aggregate whose rule failed is left alone. */
const failedSeconds = 60;

export class Wakes {
  private loop: Promise<void> | undefined;
  private stopping = false;
  private readonly wakeUp = new WakeUp();
  /** When the loop will look again, by the database's clock. */
  private looksAt = Infinity;

  constructor(private readonly transactor: Transactor) {
    transactor.onCommit((changeset) => {
      for (const { wakeAt } of changeset.aggregates.values())
        if (wakeAt !== undefined && wakeAt !== null && wakeAt < this.looksAt) return this.wakeUp.wake();
    });
  }

  start(): void {
    if (this.transactor.options.definition.wakes === 'timer') this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeUp.wake();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { log, definition } = this.transactor.options;
    for (let failures = 0; !this.stopping;) {
      try {
        // Known late rather than early: a wake saved during the query wakes the loop again.
        this.looksAt = Infinity;
        const next = await this.untilNext();
        if (next <= 0) await this.due();
        else {
          const sleep = Math.min(sweepMs, Math.ceil(next));
          this.looksAt = this.transactor.now().getTime() + sleep;
          if (!this.stopping) await this.wakeUp.wait(sleep);
        }
        failures = 0;
      } catch (error) {
        log.warn({ service: definition.name, error: messageOf(error) }, 'could not run due wake-ups; retrying');
        await this.wakeUp.wait(backoffMs(failures++));
      }
    }
  }

  /** Milliseconds until the earliest wake; zero and less: it is due. */
  private async untilNext(): Promise<number> {
    const [next] = await this.transactor.options.store.query<{ ms: number | null }>(
      `SELECT (extract(epoch FROM min(wake_at) - clock_timestamp()) * 1000)::float8 AS ms FROM aggregate WHERE wake_at IS NOT NULL`,
    );
    return next?.ms ?? sweepMs;
  }

  private async due(): Promise<void> {
    crashPoint('wakes.before-due');
    try {
      await this.runDue(atOnce);
      return;
    } catch (error) {
      if (!(error instanceof HandlerFailed)) throw error;
    }
    // One of them fails: each alone, so that the others are not late for it.
    for (let left = atOnce; left > 0 && !this.stopping; left--) {
      let key: string | undefined;
      try {
        if ((await this.runDue(1, (found) => (key = found))) === 0) break;
      } catch (error) {
        if (!(error instanceof HandlerFailed) || key === undefined) throw error;
        this.transactor.options.log.error(
          { service: this.transactor.options.definition.name, key, error: messageOf(error) },
          `a due aggregate could not be processed; retrying in ${failedSeconds} s`,
        );
        await this.transactor.options.store.query(
          `UPDATE aggregate SET wake_at = clock_timestamp() + make_interval(secs => $2) WHERE key = $1`,
          [key, failedSeconds],
        );
      }
    }
  }

  private async runDue(most: number, onKey?: (key: string) => void): Promise<number> {
    let keys: string[] = [];
    await this.transactor.run({
      alone: true,
      keys: async (tx) => {
        const rows = await tx.query<{ key: string }>(
          // An index can only be searched for an instant that stays the same: with clock_timestamp() every later wake is read too.
          `SELECT key FROM aggregate WHERE wake_at IS NOT NULL AND wake_at <= statement_timestamp() ORDER BY wake_at, key LIMIT $1 FOR UPDATE SKIP LOCKED`,
          [most],
        );
        keys = rows.map(({ key }) => key);
        if (keys[0] !== undefined) onKey?.(keys[0]);
        return keys;
      },
      check: async () => keys.length > 0,
      decide: (changeset) => {
        for (const key of keys) changeset.aggregate(key).dirty = true;
      },
    });
    return keys.length;
  }
}
