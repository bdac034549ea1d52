export interface Row {
  readonly id: string;
  readonly group: string;
  readonly rule: string;
}
export interface Titled {
  readonly file: string;
  readonly title: string;
  readonly ids: readonly string[];
}
export function readRows(markdown: string): Row[];
export function readTitles(file: string, text: string): Titled[];
export function matchRows(
  rows: readonly Row[],
  titles: readonly Titled[],
  due: readonly string[],
): { tests: Map<string, Titled[]>; unknown: Titled[]; missing: string[] };
export function renderRequirements(rows: readonly Row[], tests: Map<string, Titled[]>, due: readonly string[]): string;
