/** The owner of a data folder: the process that started the server on it. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeNew, writeWhole } from '@readmit/platform';

/**
 * Takes a folder for this process until `leaveFolder`. Of several processes that want a free folder at once, one gets it. If they all find
 * the record of a dead process, there is a race between reading and removing it: one can remove what another has just written, and both have
 * the folder (two starts at once after a crash). Then the servers' own locks protect the data.
 * @throws {Error} if a live process has it.
 */
export async function takeFolder(folder: string): Promise<void> {
  const file = starterFile(folder);
  for (;;) {
    try {
      await writeNew(file, await recordOf(process.pid));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const starter = await liveStarter(folder);
    if (starter === process.pid) return;
    if (starter !== undefined) throw inUse(folder, starter);
    await rm(file, { force: true });
  }
}

/** Releases a folder that this process took. */
export const leaveFolder = (folder: string): Promise<void> => rm(starterFile(folder), { force: true });

const starterFile = (folder: string): string => path.join(folder, 'started-by.json');
export const inUse = (folder: string, pid: number): Error =>
  new Error(`the data folder ${folder} is in use by process ${pid}: stop it, or choose another data folder`);

/** Id of the live process that took the folder. */
export const liveStarter = (folder: string): Promise<number | undefined> => liveProcess(starterFile(folder));

const recordOf = async (pid: number): Promise<string> => JSON.stringify({ pid, mark: await processMark(pid) });

/** Records a process, for `liveProcess`. */
export const recordProcess = async (file: string, pid: number): Promise<void> => writeWhole(file, await recordOf(pid));

/** Id of the recorded process, if it lives. A record that was corrupted by a power failure counts as dead, because its process is. */
export async function liveProcess(file: string): Promise<number | undefined> {
  let recorded: { readonly pid?: number; readonly mark?: string };
  try {
    recorded = JSON.parse(await readFile(file, 'utf8')) as typeof recorded;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { pid, mark } = recorded;
  return pid !== undefined && mark !== undefined && (await processMark(pid)) === mark ? pid : undefined;
}

/** Distinguishes a process from a later one with the same id; `undefined` if there is no such process. */
export async function processMark(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return line === undefined ? 'alive' : line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}
