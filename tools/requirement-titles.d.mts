import type { Judged, Killer } from './mutants.mjs';

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
export interface Kill {
  readonly id: string;
  readonly means: string;
  readonly killers: readonly Killer[];
}
export interface Matched {
  readonly tests: Map<string, Titled[]>;
  readonly kills: Map<string, Kill[]>;
  readonly unknown: Titled[];
  readonly missing: string[];
}
export function matchRows(rows: readonly Row[], titles: readonly Titled[], judged: readonly Judged[], due: readonly string[]): Matched;
export function renderRequirements(rows: readonly Row[], matched: Pick<Matched, 'tests' | 'kills'>, due: readonly string[]): string;
export function renderPlaces(rows: readonly Row[], judged: readonly Judged[]): string;
