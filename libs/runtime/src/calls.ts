/** Claims at most, however quick their calls are. */
const mostClaims = 256;
/** A claim should wait for its call no longer than this share of its lease. */
const shareOfLease = 1 / 60;

/**
 * Bounds the calls to the outside that are under way, and says how many claims may be held. Claims share transactions, so many claims make
 * cheap batches; but the lease of a claim runs while it waits. So there are as many as the calls, as quick as they lately were, get through soon.
 */
export class Calls {
  private underWay = 0;
  private readonly queue: (() => void)[] = [];
  /** Milliseconds of a call. */
  private usual: number | undefined;

  constructor(
    private readonly most: number,
    private readonly leaseMs: number,
  ) {}

  get claims(): number {
    if (this.usual === undefined) return this.most;
    const soon = Math.floor((this.most * this.leaseMs * shareOfLease) / Math.max(this.usual, 0.1));
    return Math.max(this.most, Math.min(mostClaims, soon));
  }

  /** Runs the call when there is room for it; first come, first served. */
  async run<R>(call: () => Promise<R>): Promise<R> {
    if (this.underWay < this.most) this.underWay++;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    const began = performance.now();
    try {
      return await call();
    } finally {
      this.learn(performance.now() - began);
      // The room goes to the next without being free in between.
      const next = this.queue.shift();
      if (next) next();
      else this.underWay--;
    }
  }

  /** A slow call is believed at once, quick ones only when there are many: who waits holds a lease. */
  private learn(took: number): void {
    const usual = this.usual ?? took;
    this.usual = took > usual ? (usual + took) / 2 : usual + (took - usual) / 10;
  }
}
