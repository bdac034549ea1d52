/** Finds and stops the server that a dead process left running on a data folder. */
import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { inUse, liveStarter, processMark } from '../data-folder.js';

/**
 * Makes sure that no server runs on the folder. Refuses if another live process uses it, and if it is uncertain whether the recorded process
 * is the folder's server: then nothing is stopped or removed.
 */
export async function releaseFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  const starter = await liveStarter(dataDir);
  if (starter !== undefined && starter !== process.pid) throw inUse(dataDir, starter);
  const pidFile = path.join(dataDir, 'cluster', 'postmaster.pid');
  const left = await liveServer(pidFile);
  if (left !== undefined) {
    if (starter !== undefined) throw inUse(dataDir, starter);
    if (!left.certain)
      throw new Error(
        `process ${left.pid} may be the PostgreSQL that a dead process left in ${dataDir}: stop it; if it is another program, remove ${pidFile}`,
      );
    log(`stopping the PostgreSQL (process ${left.pid}) that a dead process left in ${dataDir}`);
    process.kill(left.pid, 'SIGINT');
    for (let waited = 0; (await liveServer(pidFile)) !== undefined; waited += 50) {
      if (waited > 30_000) throw new Error(`the PostgreSQL left in ${dataDir} (process ${left.pid}) does not stop: stop it by hand`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await rm(pidFile, { force: true });
}

interface LeftServer {
  readonly pid: number;
  /** `false`: it may be another program. */
  readonly certain: boolean;
}

/**
 * The process in the file (PostgreSQL writes its process id in line 1 and its data folder in line 2), unless it is certainly not the server of
 * this folder. After a restart of the machine the id may belong to any process, even another PostgreSQL.
 */
async function liveServer(pidFile: string): Promise<LeftServer | undefined> {
  const [first, folder] = (await readFile(pidFile, 'utf8').catch(ifAbsent)).split('\n');
  const pid = Number(first);
  if (!(pid > 0) || (await processMark(pid)) === undefined) return undefined;
  const cluster = path.dirname(pidFile);
  const serves = process.platform === 'linux' ? await servesFolder(pid, cluster) : await mayServe(folder ?? '', cluster);
  return serves === false ? undefined : { pid, certain: serves === true };
}

const ifAbsent = (error: unknown): string => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
  throw error;
};

/** Decided by /proc on Linux; `undefined` if it cannot be read. */
async function servesFolder(pid: number, cluster: string): Promise<boolean | undefined> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined))?.split('\0');
  if (words === undefined) return undefined;
  // Worker processes have other arguments; a zombie has none.
  if (path.basename(words[0] ?? '') !== 'postgres') return false;
  const option = words.indexOf('-D');
  const given = option < 0 ? '' : (words[option + 1] ?? '');
  // A server changes to its folder at start, so a relative name means nothing. The folder of another user's process cannot be read.
  const places = [`/proc/${pid}/cwd`, ...(path.isAbsolute(given) ? [given] : [])];
  const answers = await Promise.all(places.map((place) => sameFolder(place, cluster)));
  return answers.includes(true) || (answers.includes(false) ? false : undefined);
}

/** Other systems do not tell what a process is; but a copied folder names the server of the original. */
const mayServe = async (recorded: string, cluster: string): Promise<false | undefined> =>
  (await sameFolder(recorded, cluster)) === false ? false : undefined;

/** `undefined` if one of them cannot be read. */
async function sameFolder(a: string, b: string): Promise<boolean | undefined> {
  const [one, other] = await Promise.all([a, b].map((folder) => stat(folder).catch(() => undefined)));
  return one && other && one.dev === other.dev && one.ino === other.ino;
}
