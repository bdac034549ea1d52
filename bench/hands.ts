/** People act at the same time: commands that wait share a transaction. So many act at once and no more. */
const handsAtOnce = 512;

export class Hands {
  private readonly waiting: (() => Promise<void>)[] = [];
  private readonly onFailure: (error: unknown) => void;
  private acting = 0;

  constructor(onFailure: (error: unknown) => void) {
    this.onFailure = onFailure;
  }

  act(work: () => Promise<void>): void {
    this.waiting.push(work);
    setImmediate(() => this.next());
  }

  private next(): void {
    if (this.acting >= handsAtOnce) return;
    const work = this.waiting.shift();
    if (!work) return;
    this.acting++;
    void work()
      .catch(this.onFailure)
      .finally(() => {
        this.acting--;
        this.next();
      });
  }
}
