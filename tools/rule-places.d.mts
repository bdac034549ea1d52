import type { Judged } from './mutants.mjs';
import type { Missing, Row } from './requirement-rows.mjs';

export interface Place {
  readonly file: string;
  readonly within: string;
  readonly line: string;
}
export interface Entry extends Place {
  readonly means: readonly string[];
  readonly ids: readonly string[];
}
export interface Pointer {
  readonly clauses: readonly string[];
  readonly file: string;
  readonly find: string;
  readonly means: string;
}
export function placeOf(change: { readonly file: string; readonly find: string; readonly replace?: string }, text: string): Place;
export function readPointers(text: string): Pointer[];
export function placesOf(
  rows: readonly Row[],
  judged: readonly Judged[],
  pointers: readonly Pointer[],
  read: (file: string) => string | undefined,
): { readonly places: Map<string, Entry[]>; readonly wrong: string[] };
export function renderPlaces(rows: readonly Row[], places: ReadonlyMap<string, readonly Entry[]>, missing: readonly Missing[]): string;
