import { keyFiles as makeOrRead, type KeyFiles } from '@readmit/signing';

/** The keys of this one-machine installation. In a real one the root stays offline; here it lies beside the others, and its name says so. */
export async function keyFiles(folder: string, environment: string): Promise<KeyFiles> {
  try {
    return await makeOrRead(folder, environment);
  } catch (error) {
    throw new Error(`the keys in ${folder} cannot be used. Start with --fresh to begin anew`, { cause: error });
  }
}
