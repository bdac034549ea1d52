export interface PythonTools {
  readonly python: string;
  /** Path of a program of the packages: run it as an argument of `python`. */
  readonly program: (name: string) => string;
}
/** The packages of tools/python/<name>.txt, installed when they are not; or what is missing and why it stays so. */
export function pythonTools(name: string): PythonTools | { readonly missing: string };
