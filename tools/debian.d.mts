export interface DebianProgram {
  readonly package: string;
  readonly finds: () => boolean;
}
export const siemReaders: readonly DebianProgram[];
export const frontPrograms: readonly DebianProgram[];
export const browsers: readonly DebianProgram[];
export const clocks: readonly DebianProgram[];
/** What is missing and why it could not be installed; `undefined` if all are installed now. */
export function ensureDebian(programs: readonly DebianProgram[]): string | undefined;
