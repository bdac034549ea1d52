/** What was verified before, the last few thousand. A mark holds everything that was verified: what differs in anything is verified itself. */
export class Checked {
  private readonly marks = new Set<string>();

  constructor(private readonly most = 4096) {}

  has(mark: string): boolean {
    if (!this.marks.delete(mark)) return false;
    this.marks.add(mark);
    return true;
  }
  add(mark: string): void {
    this.marks.add(mark);
    if (this.marks.size > this.most)
      for (const oldest of this.marks) {
        this.marks.delete(oldest);
        break;
      }
  }
}
