/** Records the brokers of a data folder, and stops those that a dead process left running. */
import { inUse, leaveFolder as leave, liveProcess, liveStarter, processMark, recordProcess, takeFolder as take } from '../data-folder.js';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

interface Broker {
  readonly pid: number;
  readonly record: string;
}

const brokersFolder = (dataDir: string): string => path.join(dataDir, 'running');

/** Takes the folder for this process. Refuses if a live process has it; stops brokers that a dead one left running. */
export async function takeFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  await releaseFolder(dataDir, log);
  await take(dataDir);
  await mkdir(brokersFolder(dataDir), { recursive: true });
}

/** Releases the folder, after the brokers were stopped. */
export async function leaveFolder(dataDir: string): Promise<void> {
  await rm(brokersFolder(dataDir), { recursive: true, force: true });
  await leave(dataDir);
}

export async function recordBroker(dataDir: string, id: number, pid: number): Promise<void> {
  // Not if it is dead already: waiting until it is ready reports why.
  if ((await processMark(pid)) !== undefined) await recordProcess(path.join(brokersFolder(dataDir), `node-${id}.json`), pid);
}

/** Makes sure that no broker runs on the folder; throws if a live process has it. */
export async function releaseFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  const starter = await liveStarter(dataDir);
  const alive = await liveBrokers(dataDir);
  if (starter !== undefined && (alive.length > 0 || starter !== process.pid)) throw inUse(dataDir, starter);
  for (const { pid } of alive) log(`stopping the Kafka (process ${pid}) that a dead process left in ${dataDir}`);
  await Promise.all(alive.map(end));
  await rm(brokersFolder(dataDir), { recursive: true, force: true });
}

async function liveBrokers(dataDir: string): Promise<Broker[]> {
  const names = await readdir(brokersFolder(dataDir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const alive: Broker[] = [];
  // Other files are left by interrupted writes.
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const record = path.join(brokersFolder(dataDir), name);
    const pid = await liveProcess(record);
    if (pid !== undefined) alive.push({ pid, record });
  }
  return alive;
}

/** Polls, because the process is not a child of this one. */
async function end({ pid, record }: Broker): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; (await liveProcess(record)) !== undefined; waited += 50) {
    if (waited === 20_000) process.kill(pid, 'SIGKILL');
    if (waited > 30_000) throw new Error(`the Kafka process ${pid}, left running by a dead process, does not stop: stop it by hand`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
