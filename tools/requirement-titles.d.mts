import type { Judged, Killer } from './mutants.mjs';
import type { Missing, Row } from './requirement-rows.mjs';
import type { Entry } from './rule-places.mjs';

export interface Titled {
  readonly file: string;
  readonly title: string;
  readonly ids: readonly string[];
}
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
type State = 'open' | 'in part' | 'done';
export type States = Map<string, { readonly state: State; readonly missing: readonly Missing[] }>;
export function statesOf(
  rows: readonly Row[],
  kills: Matched['kills'],
  places: ReadonlyMap<string, readonly Entry[]>,
  missing: readonly Missing[],
): { readonly states: States; readonly wrong: string[] };
export function countOf(states: States, state: State): number;
export function renderRequirements(
  rows: readonly Row[],
  matched: Pick<Matched, 'tests' | 'kills'>,
  states: States,
  due: readonly string[],
): string;
