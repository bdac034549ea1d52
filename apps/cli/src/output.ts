import picocolors from 'picocolors';
import { exitCodes, type CliError } from './errors.js';
import type { Io } from './io.js';
import { readableTimes, tableText } from './table.js';

/** Control and format characters (escape sequences, bidirectional overrides): what a server sends must not drive the terminal. */
const unsafe = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** One safe line: line breaks and tabs become spaces, every other control or format character is dropped. */
export const clean = (text: string): string => text.replace(/[\t\r\n\u0085\u2028\u2029]+/g, ' ').replace(unsafe, '');
/** Several safe lines. */
export const cleanLines = (text: string): string => text.split(/\r?\n/).map(clean).join('\n');
/** JSON for programs; what JSON itself leaves raw (C1, DEL, bidirectional overrides) is escaped, so the value survives. */
export const safeJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(/[^\n]/gu, (char) => (char.search(unsafe) < 0 ? char : escaped(char)));
const escaped = (char: string): string =>
  [...char]
    .flatMap((one) => one.split(''))
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

export type Cell = string | number | null | undefined;
const cell = (value: Cell): string => (value === null || value === undefined || value === '' ? '-' : clean(String(value)));

/** Where results (stdout) and remarks for people (stderr) go, in the one form that the caller asked for. */
export class Output {
  readonly colour: ReturnType<typeof picocolors.createColors>;
  private readonly warn: ReturnType<typeof picocolors.createColors>;

  constructor(
    private readonly io: Io,
    readonly json: boolean,
  ) {
    const wanted = !io.env['NO_COLOR'];
    this.colour = picocolors.createColors(wanted && !json && io.stdout.isTTY === true);
    this.warn = picocolors.createColors(wanted && io.stderr.isTTY === true);
  }

  /** The result: `value` as JSON for programs, else what `forPeople` prints. */
  result(value: unknown, forPeople: () => void): void {
    if (this.json) this.io.stdout.write(`${safeJson(value, 2)}\n`);
    else forPeople();
  }

  /** One JSON document on a line, for streams such as `case watch`. */
  jsonLine(value: unknown): void {
    this.io.stdout.write(`${safeJson(value)}\n`);
  }

  /** `paint` colours after the cleaning, which would take the colour away again. */
  line(text: string, paint: (text: string) => string = (plain) => plain): void {
    this.io.stdout.write(`${paint(clean(text))}\n`);
  }

  text(text: string): void {
    const lines = cleanLines(text);
    this.io.stdout.write(lines.endsWith('\n') ? lines : `${lines}\n`);
  }

  /** A remark for the person in front: never part of the result. */
  note(text: string): void {
    this.io.stderr.write(`${clean(text)}\n`);
  }

  /** Somebody looks at the result: it is laid out for eyes. In a pipe it keeps one form. */
  get seen(): boolean {
    return this.io.stdout.isTTY === true && !this.json;
  }

  /** An aligned table on a terminal; in a pipe tab-separated columns below one line with their names. */
  table(head: readonly string[], rows: readonly (readonly Cell[])[], empty = 'nothing'): void {
    if (!this.io.stdout.isTTY) {
      for (const row of [head, ...rows]) this.io.stdout.write(`${row.map(cell).join('\t')}\n`);
      return;
    }
    if (rows.length === 0) return this.line(empty);
    const shown = rows.map((row) => row.map((one) => readableTimes(cell(one))));
    this.io.stdout.write(`${tableText(head, shown, this.io.stdout.columns ?? 80, this.colour.bold)}\n`);
  }

  /** Name and value pairs, one a line; lists go below each other. */
  fields(pairs: readonly (readonly [string, Cell | readonly string[]])[], to: 'stdout' | 'stderr' = 'stdout'): void {
    const width = Math.max(...pairs.map(([name]) => name.length)) + 2;
    const colour = to === 'stdout' ? this.colour : this.warn;
    const read = (text: string): string => (this.io[to].isTTY ? readableTimes(text) : text);
    for (const [name, value] of pairs) {
      const values = typeof value === 'object' && value !== null ? (value.length === 0 ? ['-'] : value.map(cell)) : [cell(value)];
      values.forEach((one, index) =>
        this.io[to].write(`${index === 0 ? colour.bold(clean(name).padEnd(width)) : ' '.repeat(width)}${read(one)}\n`),
      );
    }
  }

  /** One readable block on stderr, or one JSON document there for programs. */
  failure(error: CliError): void {
    if (this.json) {
      const { exit, message, where, next, problem } = error;
      this.io.stderr.write(`${safeJson({ error: exit, exitCode: exitCodes[exit], message, where, next, problem })}\n`);
      return;
    }
    const { problem } = error;
    this.io.stderr.write(`${this.warn.red('error:')} ${clean(error.message)}\n`);
    const more: [string, string | undefined][] = [
      ['rule', problem?.rule],
      ['reason', problem?.reason],
      ['detail', problem?.detail === error.message ? undefined : problem?.detail],
      ['where', error.where],
      ...(problem?.errors ?? []).map(({ where, what }): [string, string] => ['field', `${where || '(the whole body)'}: ${what}`]),
      ['do', error.next],
    ];
    for (const [name, value] of more) if (value !== undefined) this.io.stderr.write(`  ${this.warn.bold(name.padEnd(8))}${clean(value)}\n`);
  }
}
