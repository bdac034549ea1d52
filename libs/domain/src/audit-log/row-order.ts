import type { Finding } from './finding.js';

const maxMisplaced = 200;

/**
 * Tells missing, repeated, inserted and swapped rows apart, in one pass over the indices that rows claim. An unexpected index
 * is judged by the next row: if that continues from it, rows are missing or inserted; if not, only this row is misplaced.
 */
export class RowOrder {
  private shift = 0;
  private position = 0;
  private held: { readonly position: number; readonly index: number } | undefined;
  private readonly misplaced = new Map<number, number>();

  constructor(private readonly report: (finding: Finding) => void) {}

  /** The index that the next row should have. */
  get expected(): number {
    return this.position + this.shift;
  }

  row(index: number): void {
    if (this.held) this.judge(this.held, index);
    if (index !== this.expected) this.held = { position: this.position, index };
    this.position += 1;
  }

  end(): void {
    if (this.held) this.judge(this.held, undefined);
    for (const [position, index] of this.misplaced) {
      const mirrored = this.misplaced.get(index);
      if (mirrored === position && position < index)
        this.report({
          rule: 'rows-swapped',
          index: position,
          where: `rows ${position} and ${index}`,
          why: `Row ${position} holds entry ${index} and row ${index} holds entry ${position}: the two were swapped.`,
        });
      else if (mirrored !== position)
        this.report({
          rule: 'row-out-of-place',
          index: position,
          where: `row ${position}`,
          why: `Row ${position} holds entry ${index}, which does not belong there.`,
        });
    }
  }

  private judge(held: { readonly position: number; readonly index: number }, next: number | undefined): void {
    this.held = undefined;
    const expected = held.position + this.shift;
    const continues = next === held.index + 1 || (next === undefined && held.index > expected);
    if (!continues) {
      if (this.misplaced.size < maxMisplaced) this.misplaced.set(held.position, held.index);
      return;
    }
    this.shift = held.index - held.position;
    if (held.index > expected) {
      const last = held.index - 1;
      const rows = expected === last ? `Entry ${expected} is` : `Entries ${expected} to ${last} are`;
      this.report({
        rule: 'row-missing',
        index: expected,
        where: `before entry ${held.index}`,
        why: `${rows} missing: entry ${held.index} follows entry ${expected - 1}.`,
      });
      return;
    }
    // The row before, which looked misplaced, was the extra one.
    this.misplaced.delete(held.position - 1);
    const count = expected - held.index;
    this.report({
      rule: 'row-inserted',
      index: held.index,
      where: `before entry ${held.index}`,
      why: `${count} row${count === 1 ? ' is' : 's are'} too many before entry ${held.index}: somebody inserted or repeated ${count === 1 ? 'it' : 'them'}.`,
    });
  }
}
