/** Rows for a terminal of so many columns. Nothing is ever cut: ids are copied from here. */
import Table from 'cli-table3';

/** Columns that a wrapped last cell needs to stay readable. */
const leastLast = 36;
const edge = '│ ';
const between = ' │ ';
const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
};
/** Only upright lines: a rule under every row would double the length of a list. */
const lines = { ...none, left: edge, 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: between };

/**
 * As a table while it fits, its last column wrapped if need be; else each row as a block of name and value, the way a database's
 * shell does it.
 */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
  bold: (text: string) => string,
): string {
  const widths = head.map((name, index) => Math.max(name.length, ...rows.map((row) => (row[index] ?? '').length)));
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + between.length, edge.length);
  const last = widths.at(-1) ?? 0;
  if (before + Math.min(last, leastLast) > columns) return rows.map((row) => blockOf(head, row, bold)).join('\n\n');
  const table = new Table({
    head: head.map(bold),
    chars: lines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colWidths: [...widths.slice(0, -1), Math.min(last, columns - before)],
    wordWrap: true,
    wrapOnWordBoundary: true,
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function blockOf(head: readonly string[], row: readonly string[], bold: (text: string) => string): string {
  const width = Math.max(...head.map((name) => name.length)) + 2;
  return head.map((name, index) => `${bold(name.padEnd(width))}${row[index] ?? ''}`).join('\n');
}

/** Instants as people read them: `2026-11-22 19:26:24Z`. Programs get them as they are. */
export const readableTimes = (text: string): string => text.replace(/\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z/g, '$1 $2Z');
