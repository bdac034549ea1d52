import { backoffMs } from '@readmit/platform';
import { isTransientSqlError, type Tx } from '@readmit/store';
import type { Batch, Subscription, TopicRecord } from '../port.js';
import { fetch, lagOf, type Span } from './fetch.js';
import { GroupMembership, type MembershipOptions } from './group-membership.js';
import { StaleOwnerError } from '../stale-owner-error.js';

export interface SubscriptionOptions extends MembershipOptions {
  /** How long a reader waits at most for a hint before it looks by itself. */
  readonly pollMs: number;
  /** Told of each failure that is tried again, such as the database being away. */
  readonly onTrouble: (error: unknown) => void;
  readonly onClosed: (subscription: EmbeddedSubscription) => void;
}

/**
 * Reads the partitions that its member holds. Positions are read with each fetch, so after a roll-back the same records come
 * again; partitions are released only between batches, so a live member's batch is never made stale by a new member.
 */
export class EmbeddedSubscription implements Subscription {
  private readonly membership: GroupMembership;
  private readonly renewing: NodeJS.Timeout;
  private closed = false;
  private running: Promise<Batch | undefined> | undefined;
  private hints = 0;
  private wake: (() => void) | undefined;
  /** Of `performance.now()`; when the member looks at its group again. */
  private rebalanceAt = 0;
  private turn = 0;

  private constructor(private readonly options: SubscriptionOptions) {
    this.membership = new GroupMembership(options);
    // By a timer and not in `next`: a long batch keeps its partitions.
    this.renewing = setInterval(() => void this.membership.renew().catch(options.onTrouble), options.leaseMs / 3);
    this.renewing.unref();
  }

  static async open(options: SubscriptionOptions): Promise<EmbeddedSubscription> {
    const subscription = new EmbeddedSubscription(options);
    try {
      await subscription.membership.join();
    } catch (error) {
      clearInterval(subscription.renewing);
      throw error;
    }
    subscription.rebalanceAt = performance.now() + options.leaseMs / 3;
    return subscription;
  }

  /** A topic, `group <name>`, or `''` when hints may have been lost. */
  hint(payload: string): void {
    const ours = payload === '' || payload === this.membership.hint;
    if (ours) this.rebalanceAt = 0;
    if (!ours && !this.options.topics.includes(payload)) return;
    this.hints++;
    this.wake?.();
  }

  next(max: number): Promise<Batch | undefined> {
    if (this.running) throw new Error('this is a bug: next() was called while another next() of this subscription is under way');
    if (!Number.isInteger(max) || max < 1) throw new Error(`this is a bug: a batch of at most ${max} records`);
    this.running = this.take(max).finally(() => (this.running = undefined));
    return this.running;
  }

  lag(): Promise<bigint> {
    return lagOf(this.options.store, { group: this.options.group, owner: this.membership.owner, topics: this.options.topics });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.renewing);
    this.wake?.();
    // Its failure is the failure of who called next().
    await this.running?.catch(() => undefined);
    this.options.onClosed(this);
    // Without the database the lease ends by itself.
    await this.membership.leave().catch(this.options.onTrouble);
  }

  private async take(max: number): Promise<Batch | undefined> {
    const { store, group, topics, pollMs, leaseMs, onTrouble } = this.options;
    for (let failures = 0; !this.closed;) {
      const hintsBefore = this.hints;
      try {
        if (performance.now() >= this.rebalanceAt) {
          this.rebalanceAt = performance.now() + leaseMs / 3;
          await this.membership.rebalance();
        }
        const { records, spans } = await fetch(store, { group, owner: this.membership.owner, topics, max, turn: this.turn++ });
        failures = 0;
        if (this.closed) return undefined;
        if (records.length > 0) return new EmbeddedBatch(records, spans, { group, owner: this.membership.owner });
        if (this.hints === hintsBefore) await this.wait(pollMs);
      } catch (error) {
        if (this.closed) return undefined;
        if (!isTransientSqlError(error)) throw error;
        onTrouble(error);
        this.rebalanceAt = 0;
        await this.wait(backoffMs(failures++));
      }
    }
    return undefined;
  }

  private async wait(ms: number): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }
}

class EmbeddedBatch implements Batch {
  constructor(
    readonly records: readonly TopicRecord[],
    private readonly spans: readonly Span[],
    private readonly by: { readonly group: string; readonly owner: string },
  ) {}

  async commit(tx: Tx): Promise<void> {
    const moved = await tx.query<{ topic: string; partition: number }>(
      `UPDATE position p SET next_offset = s.next
       FROM unnest($3::text[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS s (topic, partition, epoch, previous, next)
       WHERE p.group_name = $1 AND p.owner = $2 AND p.topic = s.topic AND p.partition = s.partition AND p.epoch = s.epoch AND p.next_offset = s.previous
       RETURNING p.topic, p.partition`,
      [
        this.by.group,
        this.by.owner,
        this.spans.map(({ topic }) => topic),
        this.spans.map(({ partition }) => partition),
        this.spans.map(({ epoch }) => epoch),
        this.spans.map(({ from }) => from.toString()),
        this.spans.map(({ to }) => to.toString()),
      ],
    );
    if (moved.length === this.spans.length) return;
    const done = new Set(moved.map(({ topic, partition }) => `${topic}/${partition}`));
    throw new StaleOwnerError(
      this.by.group,
      this.spans.map(({ topic, partition }) => `${topic}/${partition}`).filter((place) => !done.has(place)),
    );
  }

  /** The position has moved with the transaction. */
  async afterCommit(): Promise<void> {}
}
