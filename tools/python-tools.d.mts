export interface PythonTools {
  readonly python: string;
  /** Path of a program of the packages: run it as an argument of `python`. */
  readonly program: (name: string) => string;
}
/** Installs the packages of tools/python/<name>.txt if necessary; or returns what is missing and why it could not be installed. */
export function pythonTools(name: string): PythonTools | { readonly missing: string };
