import { keyFiles as makeOrRead, type KeyFiles } from '@readmit/signing';

/** The keys of this one-machine installation. In production the root key stays offline; here it is stored with the others, and its name says so. */
export async function keyFiles(folder: string, environment: string): Promise<KeyFiles> {
  try {
    return await makeOrRead(folder, environment);
  } catch (error) {
    throw new Error(`the keys in ${folder} cannot be used. Use --fresh to start from scratch`, { cause: error });
  }
}
