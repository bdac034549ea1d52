/**
 * One piece of work from claim to result. Intent first: claim, `begin` and what it says are one commit before the call. Then
 * the call, told to stop at half of the lease. Then one commit of result, events and end of the row, if the fence still holds.
 * Killed anywhere, the row is claimed again when the lease ended, and `begin` sees in the facts what was begun.
 */
import { sqlStateOf } from '@readmit/store';
import type { Facts } from '@readmit/domain';
import type { Begun, Finished, WorkHandler } from '../service-definition.js';
import { backoffMs, type Bell } from './bell.js';
import { byHandler, HandlerFailed, messageOf } from './blame.js';
import type { Pass } from './pass.js';
import type { Transactor } from './transact.js';
import { claim, endWork, postponeWork, stillClaimed, workOf, type WorkRow } from './work-row.js';

export interface Candidate {
  readonly id: string;
  readonly key: string;
  readonly also_keys: readonly string[];
  readonly connector: string;
  readonly object: string;
}
interface Intent {
  readonly row: WorkRow;
  readonly handler: WorkHandler<unknown>;
  readonly facts: Facts;
  /** When the claim was asked for, by the monotonic clock: earlier than the lease began. */
  readonly asked: number;
}

export class WorkRun {
  constructor(
    private readonly transactor: Transactor,
    private readonly leaseMs: number,
    private readonly retryBell: () => Bell,
  ) {}

  async run(candidate: Candidate): Promise<void> {
    const intent = await this.intend(candidate);
    if (!intent) return;
    const outcome = await this.call(intent);
    await this.finish(intent, outcome);
  }

  private async intend(candidate: Candidate): Promise<Intent | undefined> {
    const { log, definition } = this.transactor.options;
    const asked = performance.now();
    let row: WorkRow | undefined;
    let begun: Begun | undefined;
    let handler: WorkHandler<unknown> | undefined;
    try {
      const pass = await this.transactor.run({
        keys: () => [candidate.key, ...candidate.also_keys],
        check: async (tx) => {
          row = await claim(tx, candidate.id, this.leaseMs);
          return row !== undefined;
        },
        decide: (pass) => {
          if (!row) return;
          handler = definition.work[row.kind] as unknown as WorkHandler<unknown> | undefined;
          if (!handler) throw new HandlerFailed(`${definition.name} has no worker for ${row.kind}`);
          const { facts, context, aggregate } = this.open(pass, row);
          const work = workOf(row, this.leaseMs);
          begun = byHandler(`begin of ${row.kind}`, () => (handler as WorkHandler<unknown>).begin(work, facts, context));
          if (begun.go !== 'later') pass.say(aggregate, begun.emit);
        },
        after: async (tx) => {
          if (row && begun?.go === false) await endWork(tx, row, 'done');
          else if (row && begun?.go === 'later') await postponeWork(tx, row, begun.notBefore, { looked: true });
        },
      });
      if (!pass || !row || !handler || begun?.go !== true) return undefined;
      return { row, handler, facts: pass.aggregate(row.key).current(), asked };
    } catch (error) {
      // Another claimed the same object in the same instant.
      if (sqlStateOf(error) === '23505') return undefined;
      if (!(error instanceof HandlerFailed)) throw error;
      log.error(
        { service: definition.name, work: candidate.id, error: messageOf(error) },
        'work could not begin; it waits and is tried again',
      );
      await this.putOff(candidate.id, messageOf(error));
      return undefined;
    }
  }

  private async call({ row, handler, facts, asked }: Intent): Promise<unknown> {
    const controller = new AbortController();
    const stopAt = asked + this.leaseMs / 2;
    const timers: NodeJS.Timeout[] = [];
    const after = (at: number, run: () => void): void => void timers.push(setTimeout(run, Math.max(0, at - performance.now())));
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const late = () => reject(new Error(`the call did not end within ${this.leaseMs / 2} ms: its outcome is unknown`));
        after(stopAt, () => controller.abort(Object.assign(new Error('the time for this call is over'), { name: 'TimeoutError' })));
        // A handler that does not listen to its signal is given up before the lease ends.
        after(stopAt + this.leaseMs / 4, late);
        handler.call(workOf(row, this.leaseMs), facts, controller.signal, () => this.still(row, controller.signal)).then(resolve, reject);
      });
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  }

  private async still(row: WorkRow, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const found = await this.transactor.options.store.query(
      `SELECT 1 FROM work WHERE id = $1 AND fence = $2 AND state = 'running' AND NOT cancel_asked AND lease_until > clock_timestamp()`,
      [row.id, row.fence],
    );
    return found.length > 0 && !signal.aborted;
  }

  private async finish(intent: Intent, outcome: unknown): Promise<void> {
    const { log, definition } = this.transactor.options;
    const { row } = intent;
    for (let failures = 0; ; failures++) {
      try {
        if (!(await this.finishOnce(intent, outcome)))
          log.warn(
            { service: definition.name, work: row.id, fence: row.fence },
            'the result came after the lease: dropped, the next claim reads the target back',
          );
        return;
      } catch (error) {
        const over = performance.now() > intent.asked + this.leaseMs;
        log.error(
          { service: definition.name, work: row.id, error: messageOf(error) },
          'the result of work could not be kept; it is claimed again when the lease ends',
        );
        if (error instanceof HandlerFailed || over) return;
        await this.retryBell().wait(backoffMs(failures));
      }
    }
  }

  private async finishOnce({ row, handler }: Intent, outcome: unknown): Promise<boolean> {
    const error = errorIn(outcome);
    let claimed: { readonly cancelled: boolean } | undefined;
    let finished: Finished | undefined;
    const pass = await this.transactor.run({
      keys: () => [row.key, ...row.also_keys],
      check: async (tx) => {
        claimed = await stillClaimed(tx, row);
        return claimed !== undefined;
      },
      decide: (pass) => {
        const { facts, context, aggregate } = this.open(pass, row);
        finished = byHandler(`finish of ${row.kind}`, () => handler.finish(workOf(row, this.leaseMs), outcome, facts, context));
        aggregate.rows.push(...(finished.rows ?? []));
        pass.say(aggregate, finished.emit);
      },
      after: async (tx, pass) => {
        // What this very transaction cancels is not tried again either.
        const cancelled = claimed?.cancelled === true || pass.cancelled.has(row.id);
        if (!finished?.retryAt) await endWork(tx, row, 'done', error);
        else if (cancelled) await endWork(tx, row, 'cancelled', error);
        else await postponeWork(tx, row, finished.retryAt, { looked: false, ...(error === undefined ? {} : { error }) });
      },
    });
    return pass !== undefined;
  }

  private open(pass: Pass, row: WorkRow) {
    const aggregate = pass.aggregate(row.key);
    aggregate.origin = row.origin;
    return { aggregate, facts: aggregate.current(), context: pass.contextOf(aggregate) };
  }

  private async putOff(id: string, error: string): Promise<void> {
    await this.transactor.options.store.query(
      `UPDATE work SET tries = tries + 1, last_error = $2,
         not_before = clock_timestamp() + least(300, 2 ^ least(tries, 8)) * interval '1 second',
         lease_until = CASE state WHEN 'running' THEN clock_timestamp() + least(300, 2 ^ least(tries, 8)) * interval '1 second' END
       WHERE id = $1 AND (state = 'waiting' OR (state = 'running' AND lease_until <= clock_timestamp()))`,
      [id, error.slice(0, 500)],
    );
  }
}

function errorIn(outcome: unknown): string | undefined {
  if (typeof outcome !== 'object' || outcome === null || !('error' in outcome)) return undefined;
  return outcome.error instanceof Error ? outcome.error.message.slice(0, 500).replaceAll('\0', '') : undefined;
}
