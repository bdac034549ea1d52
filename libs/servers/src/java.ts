/** Finds Java for servers that need it, and downloads them with Maven. */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Path or name of a Java of at least that version: from JAVA_HOME, else from PATH. `advice`: what to do if there is none. */
export async function findJava(forWhat: string, oldest: number, advice: string): Promise<string> {
  const home = process.env['JAVA_HOME'];
  const java = home ? `${home}/bin/java` : 'java';
  const { stderr } = await run(java, ['-version'], { env: process.env }).catch((error: unknown) => {
    throw new Error(`${forWhat} needs Java and "${java}" ${missing(error) ? 'was not found' : 'does not run'}: ${advice}`, {
      cause: error,
    });
  });
  const version = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1];
  if (version === undefined || Number(version) < oldest)
    throw new Error(`${forWhat} needs Java ${oldest} and "${java}" has version ${version ?? 'unknown'}: ${advice}`);
  return java;
}

/** Runs Maven in the folder; `what` names what it downloads, `instead` what to do without Maven. */
export async function maven(
  args: readonly string[],
  { cwd, what, instead }: { cwd: string; what: string; instead: string },
): Promise<void> {
  const quiet = ['--batch-mode', '--no-transfer-progress', '--quiet', '--strict-checksums'];
  await run('mvn', [...quiet, ...args], { cwd, env: process.env, maxBuffer: 16 * 1024 * 1024 }).catch((error: unknown) => {
    if (missing(error))
      throw new Error(`Maven downloads ${what}, but "mvn" was not found: install it (for example the package maven), or ${instead}`, {
        cause: error,
      });
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    const output = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-8).join('\n');
    throw new Error(`Maven could not download ${what}; check the network and try again. Its output:\n${output}`, { cause: error });
  });
}

export const isFolder = async (folder: string): Promise<boolean> =>
  (await stat(folder).catch((error: unknown) => {
    if (missing(error)) return undefined;
    throw error;
  })) !== undefined;
