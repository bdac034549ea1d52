/** Files with a secret of an executor. They are read at each use, so a new secret needs no restart. Errors never quote what a file holds. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { TargetError } from './connector.js';

const maxBytes = 16 * 1024;

/** The text of the file, which only its owner may read. Throws a plain error that names the file and what is wrong with it. */
export function readSecretFile(file: string): string {
  const refused = (why: string, cause?: unknown): Error => new Error(`${file} ${why}`, { cause });
  let descriptor: number;
  try {
    // A pipe would block until somebody writes into it.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw refused(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`, error);
  }
  try {
    // Of the open file: the path may name another one by now.
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw refused('is not a file');
    if ((status.mode & 0o077) !== 0) throw refused(`must have mode 0600, not 0${(status.mode & 0o777).toString(8)}`);
    if (status.size > maxBytes) throw refused(`is larger than ${maxBytes} bytes: it must contain only the secret`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** The file of a secret cannot be read, or holds none. */
export class SecretUnusable extends TargetError {}

/** What `parse` finds in the file. `what`: e.g. `the password of directory`. `effect`: of a failure, if a change was sent before. */
export function secretIn<T>(what: string, file: string, parse: (text: string) => T, effect: 'none' | 'unknown' = 'none'): T {
  try {
    return parse(readSecretFile(file));
  } catch (error) {
    throw new SecretUnusable(`${what} cannot be used: ${(error as Error).message}`, effect, 'refused', { cause: error });
  }
}
