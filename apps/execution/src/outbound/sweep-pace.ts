/** Calls of the sweep at one connector at a time: one that does not answer takes no more workers. */
const mostAtOnce = 2;

/**
 * The rate of the sweep at each connector, for this process. A reading that comes too early gets the next free instant and is let through
 * when it comes again; nothing waits in memory.
 */
export class SweepPace {
  private readonly gapMs: number;
  private readonly connectors = new Map<string, { next: number; running: number; readonly given: Map<string, number> }>();

  constructor(perSecond: number) {
    this.gapMs = 1000 / perSecond;
  }

  /** Undefined: read now, and call `done` afterwards. */
  ask(connector: string, id: string, now: Date): Date | undefined {
    const at = now.getTime();
    const of = this.of(connector);
    const given = of.given.get(id);
    // What was given and not used, because its work has ended, is forgotten.
    for (const [other, instant] of of.given) if (instant < at - 600_000) of.given.delete(other);
    if (of.running < mostAtOnce && (given === undefined ? of.next <= at : given <= at)) {
      of.given.delete(id);
      if (given === undefined) of.next = Math.max(of.next, at) + this.gapMs;
      of.running += 1;
      return undefined;
    }
    if (given !== undefined && given > at) return new Date(given);
    const next = Math.max(of.next, at + this.gapMs);
    of.next = next + this.gapMs;
    of.given.set(id, next);
    return new Date(Math.ceil(next));
  }

  done(connector: string): void {
    this.of(connector).running -= 1;
  }

  private of(connector: string) {
    const known = this.connectors.get(connector) ?? { next: 0, running: 0, given: new Map<string, number>() };
    this.connectors.set(connector, known);
    return known;
  }
}
