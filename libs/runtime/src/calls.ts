import { keptOf, Shares } from './shares.js';

/** Claims at most, however quick their calls are. */
const mostClaims = 256;
/** A claim should wait for its call no longer than this share of its lease. */
const shareOfLease = 1 / 60;
/** Beyond so many connectors the oldest figure is forgotten: names of connectors come from requests. */
const mostRemembered = 1_000;

/**
 * Bounds the calls to the outside that are under way, and says how many claims may be held. Claims share transactions, so many claims make
 * cheap batches; but the lease of a claim runs while it waits. So there are as many as the calls, as quick as they lately were, get through soon.
 */
export class Calls {
  private readonly shares: Shares;
  private readonly queues = new Map<string, (() => void)[]>();
  /** Milliseconds of a call, by connector. */
  private readonly usual = new Map<string, number>();

  constructor(
    private readonly most: number,
    private readonly leaseMs: number,
  ) {
    this.shares = new Shares(keptOf(most));
  }

  /** Claims of the lane, as far as calls to this connector decide. */
  claims(connector: string): number {
    const usual = this.usual.get(connector);
    if (usual === undefined) return this.most;
    const soon = Math.floor((this.most * this.leaseMs * shareOfLease) / Math.max(usual, 0.1));
    return Math.max(this.most, Math.min(mostClaims, soon));
  }

  /** Claims of the lane while only the quickest connector has work. */
  get mostClaims(): number {
    return Math.max(this.most, ...[...this.usual.keys()].map((connector) => this.claims(connector)));
  }

  /** Runs the call when there is room for it: first come, first served at a connector, and the connector with the fewest calls first. */
  async run<R>(connector: string, call: () => Promise<R>): Promise<R> {
    if (this.shares.hasRoom(connector, this.most)) this.shares.take(connector);
    else await new Promise<void>((resolve) => this.queueOf(connector).push(resolve));
    const began = performance.now();
    try {
      return await call();
    } finally {
      this.learn(connector, performance.now() - began);
      this.shares.giveBack(connector);
      this.callNext();
    }
  }

  private queueOf(connector: string): (() => void)[] {
    const queue = this.queues.get(connector) ?? [];
    this.queues.set(connector, queue);
    return queue;
  }

  /** The place is taken before the call continues: another could take it in between. */
  private callNext(): void {
    let next: string | undefined;
    for (const connector of this.queues.keys())
      if (this.shares.hasRoom(connector, this.most) && (next === undefined || this.shares.held(connector) < this.shares.held(next)))
        next = connector;
    if (next === undefined) return;
    const queue = this.queueOf(next);
    const begin = queue.shift();
    if (queue.length === 0) this.queues.delete(next);
    this.shares.take(next);
    begin?.();
  }

  /** A slow call is believed at once, quick ones only when there are many: who waits holds a lease. */
  private learn(connector: string, took: number): void {
    const usual = this.usual.get(connector) ?? took;
    this.usual.set(connector, took > usual ? (usual + took) / 2 : usual + (took - usual) / 10);
    if (this.usual.size > mostRemembered) for (const oldest of this.usual.keys()) return void this.usual.delete(oldest);
  }
}
