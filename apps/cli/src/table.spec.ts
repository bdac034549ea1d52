import { describe, expect, it } from '@jest/globals';
import { readableTimes, tableText } from './table.js';

const as = (text: string): string => text;
const head = ['id', 'what', 'says'];

describe('a table on a terminal', () => {
  it('aligns its columns, with one line a row', () => {
    expect(
      tableText(
        head,
        [
          ['case_1', 'opened', 'a'],
          ['c2', 'x', 'bb'],
        ],
        40,
        as,
      ),
    ).toBe('│ id     │ what   │ says\n│ case_1 │ opened │ a\n│ c2     │ x      │ bb');
  });

  it('wraps its last column between words and cuts nothing', () => {
    const words = 'Grant app_admin to erin, without the right to pass it on to anybody else at all.';
    const text = tableText(head, [['case_1', 'plan', words]], 60, as);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(text.replaceAll(/[│\s]+/g, ' ')).toContain(words);
    expect(text).not.toContain('…');
  });

  it('shows each row as a block when it is too narrow for the ids', () => {
    expect(
      tableText(
        head,
        [
          ['case_1', 'plan', 'a'],
          ['case_2', 'plan', 'b'],
        ],
        12,
        as,
      ),
    ).toBe('id    case_1\nwhat  plan\nsays  a\n\nid    case_2\nwhat  plan\nsays  b');
  });

  it('writes instants for eyes, also inside a sentence, and leaves the rest', () => {
    expect(readableTimes('good until 2026-11-22T19:41:25.052Z, id 2026-11-22T1')).toBe('good until 2026-11-22 19:41:25Z, id 2026-11-22T1');
  });
});
