/** The cases of one slice that a script plays: how many have still to end, and what becomes of them. */
export class Playing {
  private readonly over = Promise.withResolvers<void>();
  private left = 0;
  private onEnd: ((n: number) => void) | undefined;

  constructor() {
    // It may fail before anybody waits for it.
    this.over.promise.catch(() => undefined);
  }

  readonly fail = (error: unknown): void => this.over.reject(error);

  play(cases: number, onEnd: (n: number) => void): Promise<void> {
    this.left = cases;
    this.onEnd = onEnd;
    return this.over.promise;
  }

  ended(n: number): void {
    this.onEnd?.(n);
    if (--this.left === 0) this.over.resolve();
  }
}
