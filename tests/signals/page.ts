/** Runs the commands in docs/identity-providers.md. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

export const page = readFileSync('docs/identity-providers.md', 'utf8');

/** Runs a command in the folder with kcat.conf and lockout.json. @throws {Error} if it does not exit with 0. */
export async function run(command: string, folder: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: folder,
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return stdout;
}
