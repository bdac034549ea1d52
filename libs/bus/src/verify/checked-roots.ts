/**
 * Signed roots that were verified before, the last few thousand. The mark holds key, size, root *and* signature: an event with a
 * good root and a broken signature would pass here and could not be proved to anybody later.
 */
export class CheckedRoots {
  private readonly marks = new Set<string>();

  constructor(private readonly most = 4096) {}

  markOf(environment: string, kid: string, size: number, root: Uint8Array, signature: Uint8Array): string {
    return `${environment}|${kid}|${size}|${latin1(root)}${latin1(signature)}`;
  }
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

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
