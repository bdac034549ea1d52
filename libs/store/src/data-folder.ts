/** Who uses a data folder: the process that started what runs on it. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeWhole } from './whole-file.js';

/**
 * Takes a folder for this process until `leaveFolder`.
 * @throws {Error} a live process has it.
 */
export async function takeFolder(folder: string): Promise<void> {
  const starter = await liveStarter(folder);
  if (starter !== undefined && starter !== process.pid) throw inUse(folder, starter);
  await recordStarter(folder);
}

/** Gives a folder back that this process took. */
export const leaveFolder = (folder: string): Promise<void> => rm(starterFile(folder), { force: true });

const starterFile = (folder: string): string => path.join(folder, 'started-by.json');
export const inUse = (folder: string, pid: number): Error =>
  new Error(`the data folder ${folder} is in use by process ${pid}: stop it, or choose another data folder`);

export async function recordStarter(folder: string): Promise<void> {
  await writeWhole(starterFile(folder), JSON.stringify({ pid: process.pid, mark: await processMark(process.pid) }));
}

/** Process id of whoever took the folder and lives. A record that a power cut broke names nobody: whoever wrote it is dead. */
export async function liveStarter(folder: string): Promise<number | undefined> {
  let starter: { readonly pid?: number; readonly mark?: string };
  try {
    starter = JSON.parse(await readFile(starterFile(folder), 'utf8')) as typeof starter;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { pid, mark } = starter;
  return pid !== undefined && mark !== undefined && (await processMark(pid)) === mark ? pid : undefined;
}

/** Something that a later process with the same id does not have; `undefined`: no such process. */
export async function processMark(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return line === undefined ? 'alive' : line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}
