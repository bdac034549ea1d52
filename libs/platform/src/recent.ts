/** What was used last, by its name; the entry that was used longest ago goes first. */
export class Recent<V> {
  private readonly entries = new Map<string, V>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  get(name: string): V | undefined {
    const found = this.entries.get(name);
    if (found !== undefined) this.set(name, found);
    return found;
  }
  set(name: string, value: V): void {
    this.entries.delete(name);
    this.entries.set(name, value);
    if (this.entries.size <= this.most) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }
}
