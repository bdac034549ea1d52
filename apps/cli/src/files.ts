import { chmod, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { CliError, codeOf } from './errors.js';
import type { Io } from './io.js';

/** READMIT_HOME, else XDG_CONFIG_HOME/readmit, else ~/.config/readmit. */
export function homeOf(env: Io['env']): string {
  if (env['READMIT_HOME']) return path.resolve(env['READMIT_HOME']);
  return path.join(env['XDG_CONFIG_HOME'] || path.join(env['HOME'] || homedir(), '.config'), 'readmit');
}

/**
 * Writes a private file (0600) as a whole or not at all, and returns once the disk has it. `exclusive` refuses to replace.
 */
export async function writePrivate(file: string, text: string | Uint8Array, { exclusive = false } = {}): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(fail(file));
  const target = exclusive ? file : `${file}.${process.pid}.new`;
  const handle = await open(target, exclusive ? 'wx' : 'w', 0o600).catch(fail(file));
  let written = false;
  try {
    await handle.writeFile(text);
    await handle.sync();
    written = true;
  } finally {
    await handle.close();
    if (!written) await rm(target, { force: true });
  }
  await chmod(target, 0o600);
  if (target !== file) await rename(target, file);
  const directory = await open(folder, 'r');
  await directory.sync().finally(() => directory.close());
}

/** `undefined` when there is no such file. A private file that others can read is refused: it is no longer a secret. */
export async function readPrivate(file: string): Promise<string | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    const { mode } = await lstat(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0 && (mode & 0o170000) !== 0o120000) {
      throw new CliError('usage', 'A private file can be read by others', {
        where: file,
        next: `Run: chmod 600 ${file} - and replace the key if somebody may have read it.`,
      });
    }
    return text;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error instanceof CliError
      ? error
      : new CliError('usage', `Cannot read a file (${codeOf(error) ?? 'unknown'})`, {
          where: file,
          next: 'Check the path and its permissions.',
          cause: error,
        });
  }
}

function fail(file: string): (error: unknown) => never {
  return (error) => {
    const exists = codeOf(error) === 'EEXIST';
    throw new CliError('usage', exists ? 'The file exists already' : `Cannot write a file (${codeOf(error) ?? 'unknown'})`, {
      where: file,
      next: exists ? 'Name another file; readmit does not replace it.' : 'Check the folder and its permissions.',
      cause: error,
    });
  };
}
