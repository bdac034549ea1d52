/** Who uses a data folder: the record of starter and brokers, and the end of brokers whose starter died. */
import { processMark } from '@readmit/store';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

interface Marked {
  readonly pid: number;
  readonly mark: string;
}

const starterFile = (dataDir: string): string => path.join(dataDir, 'started-by.json');
const brokersFolder = (dataDir: string): string => path.join(dataDir, 'running');

/** Takes the folder for this process. Refuses when a live process has it; stops the brokers that a dead one left there. */
export async function takeFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  await releaseFolder(dataDir, log);
  await mkdir(brokersFolder(dataDir), { recursive: true });
  await write(starterFile(dataDir), process.pid);
}

/** Gives the folder back, after the brokers were stopped. */
export async function leaveFolder(dataDir: string): Promise<void> {
  await rm(brokersFolder(dataDir), { recursive: true, force: true });
  await rm(starterFile(dataDir), { force: true });
}

export const recordBroker = (dataDir: string, id: number, pid: number): Promise<void> =>
  write(path.join(brokersFolder(dataDir), `node-${id}.json`), pid);

/** Makes sure that no broker runs on the folder; throws when a live process has it. */
export async function releaseFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  const starter = await read(starterFile(dataDir));
  const names = await readdir(brokersFolder(dataDir)).catch(ifAbsent([]));
  const recorded = await Promise.all(names.map((name) => read(path.join(brokersFolder(dataDir), name))));
  const alive: Marked[] = [];
  for (const one of recorded) if (one && (await lives(one))) alive.push(one);
  if (starter && (await lives(starter)) && (alive.length > 0 || starter.pid !== process.pid))
    throw new Error(`the data folder ${dataDir} is in use by process ${starter.pid}: stop it, or choose another data folder`);
  for (const { pid } of alive) log(`stopping the Kafka (process ${pid}) that a dead process left in ${dataDir}`);
  await Promise.all(alive.map(end));
  await leaveFolder(dataDir);
}

async function write(file: string, pid: number): Promise<void> {
  const mark = await processMark(pid);
  // Dead already: whoever waits for it to become ready says why.
  if (mark !== undefined) await writeFile(file, JSON.stringify({ pid, mark } satisfies Marked));
}

async function read(file: string): Promise<Marked | undefined> {
  const text = await readFile(file, 'utf8').catch(ifAbsent(''));
  if (text === '') return undefined;
  const { pid, mark } = JSON.parse(text) as Partial<Marked>;
  return pid === undefined || mark === undefined ? undefined : { pid, mark };
}

const ifAbsent =
  <T>(value: T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return value;
    throw error;
  };

const lives = async ({ pid, mark }: Marked): Promise<boolean> => (await processMark(pid)) === mark;

/** Not our child, so there is no event to wait for. */
async function end(broker: Marked): Promise<void> {
  process.kill(broker.pid, 'SIGTERM');
  for (let waited = 0; await lives(broker); waited += 50) {
    if (waited === 20_000) process.kill(broker.pid, 'SIGKILL');
    if (waited > 30_000) throw new Error(`the Kafka process ${broker.pid} that was left behind does not stop: stop it by hand`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
