export interface Clause {
  readonly name: string;
  readonly text: string;
}
export interface Row {
  readonly id: string;
  readonly group: string;
  readonly rule: string;
  readonly clauses: readonly Clause[];
}
export interface Missing {
  readonly clause: string;
  readonly missing: string;
  readonly comesWith: string;
}
export function readRows(markdown: string): Row[];
export function readMissing(markdown: string): Missing[];
