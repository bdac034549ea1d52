/** Wakes a waiting loop; a call while nothing waits is remembered for the next wait. */
export class WakeUp {
  private called = false;
  private resume: (() => void) | undefined;

  wake(): void {
    this.called = true;
    this.resume?.();
  }

  /** Resolves at the next `wake` or after the milliseconds, whichever is first. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.called && milliseconds > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(milliseconds, 60_000));
        this.resume = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.resume = undefined;
    }
    this.called = false;
  }
}
