export interface Site {
  readonly file: string;
  readonly within: string;
  readonly text: string;
  readonly kind: 'guard' | 'and' | 'or' | 'consumes';
  readonly start: number;
  readonly end: number;
}
export function guardSites(file: string, text: string): Site[];
export function withSwitches(text: string, sites: readonly Site[], numberOf: (site: Site) => number): string;
export function lineOf(site: Pick<Site, 'file' | 'within' | 'kind' | 'text'>): string;
export function readSurvivors(text: string): Map<string, string>;
