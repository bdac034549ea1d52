/** The page for identity providers as a program: its commands, run as they stand there. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

export const page = readFileSync('docs/identity-providers.md', 'utf8');

/** The commands below a heading of the second level. */
export function commandsOf(heading: string): readonly string[] {
  const section = page.split('\n## ').find((part) => part.startsWith(`${heading}\n`));
  const commands = [...(section ?? '').matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, command = '']) => command);
  if (commands.length === 0) throw new Error(`docs/identity-providers.md has no commands under "${heading}"`);
  return commands;
}

/** Runs a command in the folder, where kcat.conf and lockout.json are. @throws {Error} it did not exit with 0. */
export async function run(command: string, folder: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: folder,
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return stdout;
}
