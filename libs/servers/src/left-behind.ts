/** Processes that use a data folder: records them, and stops those left behind by a process that died. */
import { inUse, leaveFolder as leave, liveProcess, liveStarter, processMark, recordProcess, takeFolder as take } from './data-folder.js';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

interface Recorded {
  readonly pid: number;
  readonly record: string;
}

const runningFolder = (dataDir: string): string => path.join(dataDir, 'running');

/** Takes the folder for this process. Refuses if a live process has it; stops those that a dead one left. `what`: the server's name for messages. */
export async function takeFolder(what: string, dataDir: string, log: (line: string) => void): Promise<void> {
  await releaseFolder(what, dataDir, log);
  await take(dataDir);
  await mkdir(runningFolder(dataDir), { recursive: true });
}

/** Releases the folder after its processes were stopped. */
export async function leaveFolder(dataDir: string): Promise<void> {
  await rm(runningFolder(dataDir), { recursive: true, force: true });
  await leave(dataDir);
}

export async function recordStarted(dataDir: string, name: string, pid: number): Promise<void> {
  // Not if it has already ended: waiting until it is ready reports why.
  if ((await processMark(pid)) !== undefined) await recordProcess(path.join(runningFolder(dataDir), `${name}.json`), pid);
}

/** Makes sure that no server runs on the folder; throws when a live process has it. */
export async function releaseFolder(what: string, dataDir: string, log: (line: string) => void): Promise<void> {
  const starter = await liveStarter(dataDir);
  const alive = await liveRecorded(dataDir);
  if (starter !== undefined && (alive.length > 0 || starter !== process.pid)) throw inUse(dataDir, starter);
  for (const { pid } of alive) log(`stopping the ${what} (process ${pid}) that a dead process left in ${dataDir}`);
  await Promise.all(alive.map((one) => end(what, one)));
  await rm(runningFolder(dataDir), { recursive: true, force: true });
}

async function liveRecorded(dataDir: string): Promise<Recorded[]> {
  const names = await readdir(runningFolder(dataDir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const alive: Recorded[] = [];
  // Other files are left by interrupted writes.
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const record = path.join(runningFolder(dataDir), name);
    const pid = await liveProcess(record);
    if (pid !== undefined) alive.push({ pid, record });
  }
  return alive;
}

/** Polls, because the process is not a child of this one. */
async function end(what: string, { pid, record }: Recorded): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; (await liveProcess(record)) !== undefined; waited += 50) {
    if (waited === 20_000) process.kill(pid, 'SIGKILL');
    if (waited > 30_000) throw new Error(`the ${what} process ${pid} that was left behind does not stop: stop it by hand`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
