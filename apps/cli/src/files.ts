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

/** What the usual codes of the system mean; anything else is named as it is. */
const systemSays: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'no space left: quota exceeded',
  EFBIG: 'no space left: the file may not be larger',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
};
/** A file that could not be read or written: a matter of the machine, never of a service or of this program. */
export function fileFailure(act: 'read' | 'write', file: string, cause: unknown): CliError {
  const code = codeOf(cause) ?? 'unknown';
  return new CliError('usage', `Cannot ${act} a file: ${systemSays[code] ?? 'the system says'} (${code})`, {
    where: file,
    next: /^(ENOSPC|EDQUOT|EFBIG)$/.test(code) ? 'Free some space, or choose another location.' : 'Check the path and its permissions.',
    cause,
  });
}

/** Why output was lost. None for a reader that has gone away, who has seen enough; a full disk does not have the result. */
export function outputFailure({ stdout }: Pick<Io, 'stdout'>): CliError | undefined {
  const lost = stdout.lost?.();
  return lost && lost.code !== 'EPIPE' ? fileFailure('write', 'standard output', lost) : undefined;
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
  } catch (cause) {
    throw fileFailure('write', file, cause);
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
        next: `Run: chmod 600 ${file} - and replace the key if others may have read it.`,
      });
    }
    return text;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error instanceof CliError ? error : fileFailure('read', file, error);
  }
}

function fail(file: string): (error: unknown) => never {
  return (cause) => {
    if (codeOf(cause) !== 'EEXIST') throw fileFailure('write', file, cause);
    throw new CliError('usage', 'The file already exists', {
      where: file,
      next: 'Choose another file; readmit does not overwrite files.',
      cause,
    });
  };
}
