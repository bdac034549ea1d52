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

/**
 * Mark of a signed root: key, size, root *and* signature. An event with a good root and a broken signature would pass otherwise and could not
 * be proved to anybody later.
 */
export const rootMark = (environment: string, kid: string, size: number, root: Uint8Array, signature: Uint8Array): string =>
  `${environment}|${kid}|${size}|${latin1(root)}${latin1(signature)}`;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
