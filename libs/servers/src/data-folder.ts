/** Who uses a data folder: the process that started what runs on it. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeNew, writeWhole } from '@readmit/platform';

/**
 * Takes a folder for this process until `leaveFolder`. Of several processes that come at once to a folder that nobody left, one gets it. When
 * they all find the record of a dead one, there is an instant left between one's look at it and its removal, in which that one can remove what
 * another has just written, and both have the folder: two starts at once after a crash. Then the locks of the servers themselves are
 * what keeps the data.
 * @throws {Error} a live process has it.
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

/** Gives a folder back that this process took. */
export const leaveFolder = (folder: string): Promise<void> => rm(starterFile(folder), { force: true });

const starterFile = (folder: string): string => path.join(folder, 'started-by.json');
export const inUse = (folder: string, pid: number): Error =>
  new Error(`the data folder ${folder} is in use by process ${pid}: stop it, or choose another data folder`);

/** Process id of whoever took the folder and lives. */
export const liveStarter = (folder: string): Promise<number | undefined> => liveProcess(starterFile(folder));

const recordOf = async (pid: number): Promise<string> => JSON.stringify({ pid, mark: await processMark(pid) });

/** Writes down which process it is, for `liveProcess`. */
export const recordProcess = async (file: string, pid: number): Promise<void> => writeWhole(file, await recordOf(pid));

/** Id of the process that the file records, while it lives. A record that a power cut broke names nobody: whoever it was is dead. */
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
