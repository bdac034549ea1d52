/** The brokers of a data folder: their record, and the end of those whose starter died. */
import { inUse, leaveFolder as leave, liveProcess, liveStarter, processMark, recordProcess, takeFolder as take } from '../data-folder.js';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

interface Broker {
  readonly pid: number;
  readonly record: string;
}

const brokersFolder = (dataDir: string): string => path.join(dataDir, 'running');

/** Takes the folder for this process. Refuses when a live process has it; stops the brokers that a dead one left there. */
export async function takeFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  await releaseFolder(dataDir, log);
  await take(dataDir);
  await mkdir(brokersFolder(dataDir), { recursive: true });
}

/** Gives the folder back, after the brokers were stopped. */
export async function leaveFolder(dataDir: string): Promise<void> {
  await rm(brokersFolder(dataDir), { recursive: true, force: true });
  await leave(dataDir);
}

export async function recordBroker(dataDir: string, id: number, pid: number): Promise<void> {
  // Dead already: whoever waits for it to become ready says why.
  if ((await processMark(pid)) !== undefined) await recordProcess(path.join(brokersFolder(dataDir), `node-${id}.json`), pid);
}

/** Makes sure that no broker runs on the folder; throws when a live process has it. */
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
  // Others are what a write left that was interrupted.
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const record = path.join(brokersFolder(dataDir), name);
    const pid = await liveProcess(record);
    if (pid !== undefined) alive.push({ pid, record });
  }
  return alive;
}

/** Not our child, so there is no event to wait for. */
async function end({ pid, record }: Broker): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; (await liveProcess(record)) !== undefined; waited += 50) {
    if (waited === 20_000) process.kill(pid, 'SIGKILL');
    if (waited > 30_000) throw new Error(`the Kafka process ${pid} that was left behind does not stop: stop it by hand`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
