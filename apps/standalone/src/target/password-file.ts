import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeWhole } from '@readmit/platform';

/** The password in the file; made (192 random bits, readable by its owner alone) when there is none. */
export async function passwordIn(file: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    const password = randomBytes(24).toString('base64url');
    await writeWhole(file, `${password}\n`, 0o600);
    return password;
  }
  const kept = found.trim();
  if (kept.length < 20) throw new Error(`the password file ${file} has no usable password: remove it and start again`);
  return kept;
}
