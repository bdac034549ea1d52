export interface Mutant {
  readonly id: string;
  readonly rows: readonly string[];
  readonly clauses: readonly string[];
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly specs: readonly string[];
  readonly means: string;
  readonly open?: string;
}
export interface Killer {
  readonly test: string;
  readonly title: string;
}
export interface MutantRecord {
  readonly id: string;
  readonly change: string;
  readonly source: string;
  readonly killedBy: readonly Killer[];
}
export interface Judged {
  readonly mutant: Mutant;
  readonly state: 'killed' | 'open' | 'wrong';
  readonly killedBy: readonly Killer[];
  readonly message?: string;
  readonly changed: boolean;
}
type Read = (file: string) => string | undefined;
export function readMutants(files: readonly { readonly name: string; readonly text: string }[]): Mutant[];
export function mutated(mutant: Mutant, text: string): string;
export function changeOf(mutant: Pick<Mutant, 'file' | 'find' | 'replace'>): string;
export function sourceOf(mutant: Pick<Mutant, 'file' | 'specs'>, read: Read): string;
export function writtenTitle(titles: readonly { readonly title: string }[], reported: string): string | undefined;
export function judgeMutants(
  mutants: readonly Mutant[],
  records: readonly MutantRecord[],
  titles: readonly { readonly file: string; readonly title: string }[],
  read: Read,
): Judged[];
export function killersFor(row: string, judged: Judged): Killer[];
