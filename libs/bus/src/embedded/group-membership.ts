import type { Store, Tx } from '@readmit/store';
import { randomBytes } from 'node:crypto';
import { partitionsPerTopic } from '@readmit/contracts';
import { hintChannel } from './topic-log.js';

export interface MembershipOptions {
  readonly store: Store;
  readonly group: string;
  readonly topics: readonly string[];
  /** A name that stays the same over restarts: a new start takes at once what its dead predecessor held. */
  readonly member: string;
  readonly leaseMs: number;
}

export interface LiveMember {
  readonly member: string;
  readonly topics: readonly string[];
}

/** `<topic>/<partition>` of every partition -> the member that should hold it. The same for every member that computes it. */
export function assign(live: readonly LiveMember[]): ReadonlyMap<string, string> {
  const members = [...live].sort((a, b) => (a.member < b.member ? -1 : 1));
  const held = new Map(members.map(({ member }) => [member, 0]));
  const assigned = new Map<string, string>();
  for (const topic of [...new Set(members.flatMap(({ topics }) => topics))].sort()) {
    const readers = members.filter(({ topics }) => topics.includes(topic)).map(({ member }) => member);
    for (let partition = 0; partition < partitionsPerTopic; partition++) {
      const least = readers.reduce((a, b) => ((held.get(b) ?? 0) < (held.get(a) ?? 0) ? b : a));
      held.set(least, (held.get(least) ?? 0) + 1);
      assigned.set(`${topic}/${partition}`, least);
    }
  }
  return assigned;
}

/**
 * One member of a consumer group. It claims what is assigned to it and free, and releases what is not; who does not renew its
 * lease loses everything to the others, and finds its epoch stale. All instants are the database's.
 */
export class GroupMembership {
  /** Unlike the configured name different at each start, so that a process thought dead never passes for its successor. */
  readonly owner: string;
  private readonly turn: string;

  constructor(private readonly options: MembershipOptions) {
    this.owner = `${options.member}#${randomBytes(6).toString('hex')}`;
    this.turn = `group ${options.group}`;
  }

  get hint(): string {
    return `group ${this.options.store.schema}.${this.options.group}`;
  }

  /** Makes the positions of the group, retires earlier starts under the same name, and tells the others to make room. */
  async join(): Promise<void> {
    const { store, group, topics, member } = this.options;
    await store.transaction(async (tx) => {
      await tx.query('INSERT INTO turn (name) VALUES ($1) ON CONFLICT DO NOTHING', [this.turn]);
      await this.lock(tx);
      await tx.query(
        `INSERT INTO position (group_name, topic, partition)
         SELECT $1, topic, partition FROM unnest($2::text[]) AS topic, generate_series(0, $3::int - 1) AS partition
         ON CONFLICT DO NOTHING`,
        [group, topics, partitionsPerTopic],
      );
      await tx.query(`DELETE FROM member WHERE group_name = $1 AND left(member, length($2)) = $2`, [group, `${member}#`]);
      await this.rebalanceIn(tx);
      await this.tellOthers(tx);
    });
  }

  /** Renews the lease and moves towards the assignment. */
  async rebalance(): Promise<void> {
    await this.options.store.transaction(async (tx) => {
      await this.lock(tx);
      await this.rebalanceIn(tx);
    });
  }

  /** A lease that ended and was taken away is not renewed: the next `rebalance` joins again. */
  async renew(): Promise<void> {
    const { store, group, leaseMs } = this.options;
    await store.query(`UPDATE member SET lease_until = clock_timestamp() + $3 * interval '1 ms' WHERE group_name = $1 AND member = $2`, [
      group,
      this.owner,
      leaseMs,
    ]);
  }

  async leave(): Promise<void> {
    const { store, group } = this.options;
    await store.transaction(async (tx) => {
      await this.lock(tx);
      await tx.query('UPDATE position SET owner = NULL WHERE group_name = $1 AND owner = $2', [group, this.owner]);
      await tx.query('DELETE FROM member WHERE group_name = $1 AND member = $2', [group, this.owner]);
      await this.tellOthers(tx);
    });
  }

  private async rebalanceIn(tx: Tx): Promise<void> {
    const { group, topics, leaseMs } = this.options;
    await tx.query('DELETE FROM member WHERE group_name = $1 AND member <> $2 AND lease_until <= clock_timestamp()', [group, this.owner]);
    await tx.query(
      `INSERT INTO member (group_name, member, topics, lease_until) VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 ms')
       ON CONFLICT (group_name, member) DO UPDATE SET topics = excluded.topics, lease_until = excluded.lease_until`,
      [group, this.owner, topics, leaseMs],
    );
    const live = await tx.query<LiveMember>('SELECT member, topics FROM member WHERE group_name = $1', [group]);
    const mine = [...assign(live)].filter(([, member]) => member === this.owner).map(([place]) => place);
    const released = await tx.query(
      `UPDATE position SET owner = NULL WHERE group_name = $1 AND owner = $2 AND NOT topic || '/' || partition = ANY ($3::text[]) RETURNING 1`,
      [group, this.owner, mine],
    );
    // A member that holds a row in a transaction under way is waited for; its move then counts, and the claim follows it.
    await tx.query(
      `UPDATE position SET owner = $2, epoch = epoch + 1
       WHERE group_name = $1 AND topic || '/' || partition = ANY ($3::text[]) AND owner IS DISTINCT FROM $2 AND (owner IS NULL OR NOT owner = ANY ($4::text[]))`,
      [group, this.owner, mine, live.map(({ member }) => member)],
    );
    if (released.length > 0) await this.tellOthers(tx);
  }

  /** One member at a time sorts itself out; batches under way are not held up. Of the service's own schema: no other role can hold it. */
  private async lock(tx: Tx): Promise<void> {
    await tx.query('SELECT FROM turn WHERE name = $1 FOR UPDATE', [this.turn]);
  }

  private async tellOthers(tx: Tx): Promise<void> {
    await tx.query('SELECT pg_notify($1, $2)', [hintChannel, this.hint]);
  }
}
