/**
 * How many places of a lane each connector has. A connector may have them all while it is alone. Some more are kept for the others, so that
 * targets that hang make work at another target wait for none of their calls.
 */
export class Shares {
  private readonly taken = new Map<string, number>();
  private total = 0;

  /** `kept`: places beyond the most of the lane, for connectors that have fewer than that. */
  constructor(private readonly kept: number) {}

  held(connector: string): number {
    return this.taken.get(connector) ?? 0;
  }

  /** `most`: places of the lane. The first place of a connector is refused only at twice as many: names of connectors come from requests. */
  hasRoom(connector: string, most: number): boolean {
    if (this.total < most) return true;
    const held = this.held(connector);
    return (held < this.kept && this.total < most + this.kept) || (held === 0 && this.total < most * 2);
  }

  /** Whether a lane with so many places has none left but those that are kept. */
  isFull(most: number): boolean {
    return this.total >= most;
  }

  take(connector: string): void {
    this.taken.set(connector, this.held(connector) + 1);
    this.total++;
  }

  giveBack(connector: string): void {
    const held = this.held(connector) - 1;
    if (held > 0) this.taken.set(connector, held);
    else this.taken.delete(connector);
    this.total--;
  }
}

/** A quarter of the calls of a lane. */
export const keptOf = (calls: number): number => Math.max(1, Math.floor(calls / 4));
