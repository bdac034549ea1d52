import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeNew } from '@readmit/platform';

export const passwordFileOf = (secretsDir: string, role: string): string => path.join(secretsDir, `${role}.password`);

/**
 * The password in the file, made (192 random bits, mode 0600) when there is none. Two processes that come at once get the same one:
 * one makes the file, and the loser reads the winner's.
 */
export async function passwordIn(file: string): Promise<{ readonly password: string; readonly made: boolean }> {
  const kept = await readPassword(file);
  if (kept !== undefined) return { password: kept, made: false };
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const password = randomBytes(24).toString('base64url');
  try {
    await writeNew(file, `${password}\n`, 0o600);
    return { password, made: true };
  } catch (error) {
    const theirs = await readPassword(file);
    if (theirs === undefined) throw error;
    return { password: theirs, made: false };
  }
}

/** `undefined`: no such file. */
export async function readPassword(file: string): Promise<string | undefined> {
  try {
    const password = (await readFile(file, 'utf8')).trim();
    if (password.length < 20) throw new Error(`the password file ${file} contains no usable password: remove it and run setup again`);
    return password;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
