/** Wakes a loop that waits; a ring while nobody waits is kept for the next wait. */
export class Bell {
  private rung = false;
  private wakeUp: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wakeUp?.();
  }

  /** Resolves at the ring or after the milliseconds, whichever is first. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.rung && milliseconds > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(milliseconds, 60_000));
        this.wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wakeUp = undefined;
    }
    this.rung = false;
  }
}
