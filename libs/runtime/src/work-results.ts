/**
 * What becomes of calls: results that come meanwhile share one commit with their events and the ends of their rows, if the fence still
 * holds. A result that breaks a rule does not stay open: the same attempt records that there is none.
 */
import type { Facts } from '@readmit/domain';
import { ResultUnstorable, type Lane, type Work, type WorkHandler } from './service-definition.js';
import { backoffMs, WakeUp, messageOf, crashPoint, Gathering } from '@readmit/platform';
import { PutOff } from './breaker.js';
import { byHandler, HandlerFailed } from './handler-errors.js';
import type { OpenSpan } from './observer.js';
import type { Changeset } from './changeset.js';
import { below } from './spans.js';
import type { Transactor } from './transact.js';
import { giveUpSql, release, stillClaimed, workOf, type Candidate, type Release, type WorkRow } from './work-row.js';

/** Work that has begun: its call is owed. */
export interface Intent {
  readonly row: WorkRow;
  readonly handler: WorkHandler<unknown>;
  readonly facts: Facts;
  /** What `begin` gave the call to know. */
  readonly input: Readonly<Record<string, unknown>> | undefined;
  /** When the claim was asked for, by the monotonic clock: earlier than the lease began. */
  readonly asked: number;
}
type Ended = Pick<Intent, 'row' | 'handler' | 'asked'> & { readonly outcome: unknown; readonly span: OpenSpan | undefined };

/** Results that share a statement at most. */
const mostTogether = 256;

export class WorkResults {
  private readonly gathering: Gathering<Ended, undefined>;
  /** Claims whose call was about to be made, by id and fence: known here before the row is read again. */
  readonly begun = new Set<string>();

  constructor(
    private readonly transactor: Transactor,
    private readonly about: { readonly lane: Lane; readonly leaseMs: number },
    /** Told of work that waits again. */
    private readonly onWaiting: (candidate: Candidate, notBefore: Date) => void,
  ) {
    this.gathering = new Gathering(mostTogether, async (ended) => {
      await this.finish(ended);
      return ended.map(() => undefined);
    });
  }

  /** Keeps the result with those that come meanwhile. Never rejects. */
  async add(ended: Ended): Promise<void> {
    await this.gathering.add(ended);
  }

  /** Until it is kept, or the leases are over. Never rejects. */
  private async finish(ended: readonly Ended[]): Promise<void> {
    try {
      await this.saveResults(ended);
    } finally {
      for (const { row } of ended) this.begun.delete(nameOf(row));
    }
  }

  private async saveResults(ended: readonly Ended[]): Promise<void> {
    const { log, definition } = this.transactor.options;
    for (let failures = 0, left = ended; left.length > 0; failures++) {
      try {
        for (const row of await this.finishTogether(left))
          log.warn(
            { service: definition.name, work: row.id, fence: row.fence },
            'dropped a work result: its lease had expired; the next attempt reads the target back',
          );
        return;
      } catch (error) {
        const failed = error instanceof HandlerFailed;
        const [only] = left;
        if (failed && left.length > 1) {
          for (const one of left) await this.saveResults([one]);
          return;
        }
        log.error(
          { service: definition.name, work: left.map(({ row }) => row.id), error: messageOf(error) },
          failed ? 'work result rejected by a rule; recording a failure instead' : 'could not save work results; retrying',
        );
        if (failed && only) {
          if (failureIn(only.outcome) instanceof ResultUnstorable) return await this.giveUp(only.row, messageOf(error));
          left = [{ ...only, outcome: { error: new ResultUnstorable(messageOf(error)) } }];
          continue;
        }
        left = left.filter(({ asked }) => performance.now() <= asked + this.about.leaseMs);
        if (left.length > 0) await new WakeUp().wait(backoffMs(failures));
      }
    }
  }

  /** Neither the result nor its absence can be saved: ended, so that it is not claimed forever and blocks no other work. */
  async giveUp(row: WorkRow, error: string): Promise<void> {
    const { log, definition, store } = this.transactor.options;
    try {
      await store.query(giveUpSql, [row.id, row.fence, textOf(error)]);
      log.error({ service: definition.name, work: row.id, error }, 'work given up: could save neither its result nor its failure');
    } catch (failure) {
      log.error(
        { service: definition.name, work: row.id, error: messageOf(failure) },
        'could not mark work as given up; it is claimed again after its lease',
      );
    }
  }

  /** @returns the rows whose claim does not hold any more: nothing of them was kept. */
  private async finishTogether(ended: readonly Ended[]): Promise<readonly WorkRow[]> {
    let claimed: Awaited<ReturnType<typeof stillClaimed>> = new Map();
    const rows = ended.map(({ row }) => row);
    const finished: { readonly one: Ended; readonly retryAt: Date | undefined }[] = [];
    let releases: readonly Release[] = [];
    await this.transactor.run({
      urgent: this.about.lane === 'urgent',
      keys: () => rows.flatMap((row) => [row.key, ...row.also_keys]),
      check: async (tx) => {
        claimed = await stillClaimed(tx, rows);
        return claimed.size > 0;
      },
      decide: (changeset) => {
        finished.length = 0;
        for (const one of ended) {
          const { row, handler, outcome, span } = one;
          if (!claimed.has(row.id)) continue;
          if (outcome instanceof PutOff) {
            finished.push({ one, retryAt: row.not_before });
            continue;
          }
          const { facts, context, aggregate } = this.open(changeset, row, span);
          const {
            emit,
            retryAt,
            rows: own,
          } = byHandler(`finish of ${row.kind}`, () => handler.finish(this.workOf(row), outcome, facts, context));
          aggregate.rows.push(...(own ?? []));
          changeset.emit(aggregate, emit);
          finished.push({ one, retryAt });
          // What follows from one result is known to the next on the same aggregate.
          changeset.conclude();
        }
      },
      after: (tx, changeset) => {
        releases = finished.map(({ one: { row, outcome }, retryAt }): Release => {
          const looked = outcome instanceof PutOff;
          const error = looked ? outcome.why : errorIn(outcome);
          // What this very transaction cancels is not tried again either.
          const cancelled = claimed.get(row.id)?.cancelled === true || changeset.cancelled.has(row.id);
          if (!retryAt) return { row, state: 'done', error };
          return cancelled ? { row, state: 'cancelled', error } : { row, state: 'waiting', notBefore: retryAt, looked, error };
        });
        return release(tx, releases);
      },
    });
    crashPoint('work.after-finish-commit');
    this.tellWaiting(releases);
    return rows.filter(({ id }) => !claimed.has(id));
  }

  tellWaiting(releases: readonly Release[]): void {
    for (const { row, state, notBefore, alsoKeys } of releases)
      if (state === 'waiting' && notBefore) this.onWaiting(alsoKeys ? { ...row, also_keys: alsoKeys } : row, notBefore);
  }

  open(changeset: Changeset, row: WorkRow, span?: OpenSpan) {
    const aggregate = changeset.aggregate(row.key);
    aggregate.origin = below(row.origin, span);
    return { aggregate, facts: aggregate.current(), context: changeset.contextOf(aggregate) };
  }

  workOf(row: WorkRow): Work {
    const work = workOf(row, () => this.transactor.now());
    return this.begun.has(nameOf(row)) ? { ...work, began: true } : work;
  }
}

export const nameOf = ({ id, fence }: Pick<WorkRow, 'id' | 'fence'>): string => `${id} ${fence}`;
export const textOf = (error: string): string => error.slice(0, 500).replaceAll('\0', '');

export function failureIn(outcome: unknown): Error | undefined {
  if (typeof outcome !== 'object' || outcome === null || !('error' in outcome)) return undefined;
  return outcome.error instanceof Error ? outcome.error : undefined;
}
function errorIn(outcome: unknown): string | undefined {
  const error = failureIn(outcome);
  return error && textOf(error.message);
}
