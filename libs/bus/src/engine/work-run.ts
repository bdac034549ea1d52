/**
 * Pieces of work from claim to result. Intent first: claims, `begin` and what it says are one commit before the calls. Then each
 * call by itself, told to stop at half of the lease. Results that come meanwhile share one commit with their events and the ends of their
 * rows, if the fence still holds. Killed anywhere, a row is claimed again when the lease ended, and `begin` sees in the facts what was begun.
 */
import { sqlStateOf } from '@readmit/store';
import type { Facts } from '@readmit/domain';
import type { WorkHandler } from '../service-definition.js';
import { backoffMs, Bell } from './bell.js';
import { byHandler, HandlerFailed, messageOf } from './blame.js';
import type { Calls } from './calls.js';
import { crashPoint } from './crash-points.js';
import { Gathering } from './gathering.js';
import type { OpenSpan } from './observer.js';
import type { Pass } from './pass.js';
import { attemptSpan, below } from './spans.js';
import type { Transactor } from './transact.js';
import { claimAll, mayCallSql, release, stillClaimed, workOf, type Release, type WorkRow } from './work-row.js';

export interface Candidate {
  readonly id: string;
  readonly key: string;
  readonly also_keys: readonly string[];
  readonly connector: string;
  readonly object: string;
}
/** Work that has begun: its call is owed. */
export interface Intent {
  readonly row: WorkRow;
  readonly handler: WorkHandler<unknown>;
  readonly facts: Facts;
  /** When the claim was asked for, by the monotonic clock: earlier than the lease began. */
  readonly asked: number;
}
interface Ended extends Intent {
  readonly outcome: unknown;
  readonly span: OpenSpan | undefined;
}

/** Results, or questions, that share a statement at most. */
const mostTogether = 256;

export class WorkRun {
  private readonly finishing: Gathering<Ended, undefined>;
  private readonly asking: Gathering<WorkRow, boolean>;

  constructor(
    private readonly transactor: Transactor,
    private readonly leaseMs: number,
    private readonly calls: Calls,
    /** Told of work that waits again. */
    private readonly onWaiting: (candidate: Candidate, notBefore: Date) => void,
  ) {
    this.finishing = new Gathering(mostTogether, async (ended) => {
      await this.finish(ended);
      return ended.map(() => undefined);
    });
    this.asking = new Gathering(mostTogether, (rows) => this.mayCall(rows));
  }

  /** Claims the candidates and has their handlers begin; those that may be called now. */
  async intend(candidates: readonly Candidate[]): Promise<readonly Intent[]> {
    const { log, definition } = this.transactor.options;
    try {
      return await this.intendTogether(candidates);
    } catch (error) {
      const collided = sqlStateOf(error) === '23505';
      if (!collided && !(error instanceof HandlerFailed)) throw error;
      if (candidates.length > 1) {
        const intents: Intent[] = [];
        for (const one of candidates) intents.push(...(await this.intend([one])));
        return intents;
      }
      // Another claimed the same object in the same instant.
      const [candidate] = candidates;
      if (collided || !candidate) return [];
      log.error(
        { service: definition.name, work: candidate.id, error: messageOf(error) },
        'work could not begin; it waits and is tried again',
      );
      await this.putOff(candidate.id, messageOf(error));
      return [];
    }
  }

  private async intendTogether(candidates: readonly Candidate[]): Promise<readonly Intent[]> {
    const asked = performance.now();
    let rows: readonly WorkRow[] = [];
    const going: Omit<Intent, 'facts'>[] = [];
    const releases: Release[] = [];
    const pass = await this.transactor.run({
      keys: () => candidates.flatMap(({ key, also_keys }) => [key, ...also_keys]),
      check: async (tx) => {
        rows = await claimAll(
          tx,
          candidates.map(({ id }) => id),
          this.leaseMs,
        );
        return rows.length > 0;
      },
      decide: (pass) => {
        going.length = 0;
        releases.length = 0;
        for (const row of rows) {
          const handler = this.handlerOf(row);
          const { facts, context, aggregate } = this.open(pass, row);
          const begun = byHandler(`begin of ${row.kind}`, () => handler.begin(workOf(row, this.leaseMs), facts, context));
          if (begun.go === 'later') {
            releases.push({ row, state: 'waiting', notBefore: begun.notBefore, looked: true });
            continue;
          }
          pass.say(aggregate, begun.emit);
          if (begun.go) going.push({ row, handler, asked });
          else releases.push({ row, state: 'done' });
        }
      },
      after: (tx) => release(tx, releases),
    });
    if (pass) this.tellWaiting(releases);
    if (pass && going.length > 0) crashPoint('work.after-claim-commit');
    return pass ? going.map((one) => ({ ...one, facts: pass.aggregate(one.row.key).current() })) : [];
  }

  /** The call of one piece of work and the keeping of its result. Never rejects. */
  async carryOut(intent: Intent): Promise<void> {
    const { outcome, span } = await this.calls.run(async () => {
      const span = attemptSpan(this.transactor.options, intent.row);
      const outcome = await (span ? span.within(() => this.call(intent)) : this.call(intent));
      span?.end(failureIn(outcome));
      return { outcome, span };
    });
    crashPoint('work.after-call-before-finish');
    await this.finishing.add({ ...intent, outcome, span });
  }

  private async call({ row, handler, facts, asked }: Intent): Promise<unknown> {
    const controller = new AbortController();
    const stopAt = asked + this.leaseMs / 2;
    if (performance.now() >= stopAt) return { error: new Error('the calls before it took the time of this one: nothing was called') };
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
    return (await this.asking.add(row)) && !signal.aborted;
  }

  private async mayCall(rows: readonly WorkRow[]): Promise<readonly boolean[]> {
    const found = await this.transactor.options.store.query<{ id: string; fence: string }>(mayCallSql, [
      rows.map(({ id }) => id),
      rows.map(({ fence }) => fence),
    ]);
    const held = new Set(found.map(({ id, fence }) => `${id} ${fence}`));
    return rows.map(({ id, fence }) => held.has(`${id} ${fence}`));
  }

  /** Until it is kept, or the leases are over. Never rejects. */
  private async finish(ended: readonly Ended[]): Promise<void> {
    const { log, definition } = this.transactor.options;
    for (let failures = 0, left = ended; left.length > 0; failures++) {
      try {
        for (const row of await this.finishTogether(left))
          log.warn(
            { service: definition.name, work: row.id, fence: row.fence },
            'the result came after the lease: dropped, the next claim reads the target back',
          );
        return;
      } catch (error) {
        if (error instanceof HandlerFailed && left.length > 1) {
          for (const one of left) await this.finish([one]);
          return;
        }
        log.error(
          { service: definition.name, work: left.map(({ row }) => row.id), error: messageOf(error) },
          'the result of work could not be kept; it is claimed again when the lease ends',
        );
        if (error instanceof HandlerFailed) return;
        left = left.filter(({ asked }) => performance.now() <= asked + this.leaseMs);
        if (left.length > 0) await new Bell().wait(backoffMs(failures));
      }
    }
  }

  /** @returns the rows whose claim does not hold any more: nothing of them was kept. */
  private async finishTogether(ended: readonly Ended[]): Promise<readonly WorkRow[]> {
    let claimed: Awaited<ReturnType<typeof stillClaimed>> = new Map();
    const rows = ended.map(({ row }) => row);
    const finished: { readonly one: Ended; readonly retryAt: Date | undefined }[] = [];
    let releases: readonly Release[] = [];
    await this.transactor.run({
      keys: () => rows.flatMap((row) => [row.key, ...row.also_keys]),
      check: async (tx) => {
        claimed = await stillClaimed(tx, rows);
        return claimed.size > 0;
      },
      decide: (pass) => {
        finished.length = 0;
        for (const one of ended) {
          const { row, handler, outcome, span } = one;
          if (!claimed.has(row.id)) continue;
          const { facts, context, aggregate } = this.open(pass, row, span);
          const {
            emit,
            retryAt,
            rows: own,
          } = byHandler(`finish of ${row.kind}`, () => handler.finish(workOf(row, this.leaseMs), outcome, facts, context));
          aggregate.rows.push(...(own ?? []));
          pass.say(aggregate, emit);
          finished.push({ one, retryAt });
          // What follows from one result is known to the next on the same aggregate.
          pass.conclude();
        }
      },
      after: (tx, pass) => {
        releases = finished.map(({ one: { row, outcome }, retryAt }): Release => {
          const error = errorIn(outcome);
          // What this very transaction cancels is not tried again either.
          const cancelled = claimed.get(row.id)?.cancelled === true || pass.cancelled.has(row.id);
          if (!retryAt) return { row, state: 'done', error };
          return cancelled ? { row, state: 'cancelled', error } : { row, state: 'waiting', notBefore: retryAt, error };
        });
        return release(tx, releases);
      },
    });
    crashPoint('work.after-finish-commit');
    this.tellWaiting(releases);
    return rows.filter(({ id }) => !claimed.has(id));
  }

  private tellWaiting(releases: readonly Release[]): void {
    for (const { row, state, notBefore } of releases) if (state === 'waiting' && notBefore) this.onWaiting(row, notBefore);
  }

  private handlerOf(row: WorkRow): WorkHandler<unknown> {
    const { definition } = this.transactor.options;
    const handler = definition.work[row.kind] as unknown as WorkHandler<unknown> | undefined;
    if (!handler) throw new HandlerFailed(`${definition.name} has no worker for ${row.kind}`);
    return handler;
  }

  private open(pass: Pass, row: WorkRow, span?: OpenSpan) {
    const aggregate = pass.aggregate(row.key);
    aggregate.origin = below(row.origin, span);
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

function failureIn(outcome: unknown): Error | undefined {
  if (typeof outcome !== 'object' || outcome === null || !('error' in outcome)) return undefined;
  return outcome.error instanceof Error ? outcome.error : undefined;
}
const errorIn = (outcome: unknown): string | undefined => failureIn(outcome)?.message.slice(0, 500).replaceAll('\0', '');
