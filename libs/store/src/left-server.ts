/** The server of a data folder whose starter died: found again, and stopped. */
import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { inUse, liveStarter, processMark } from './data-folder.js';

/** Makes sure that no server runs on the folder. Refuses while another live process uses it. */
export async function releaseFolder(dataDir: string, log: (line: string) => void): Promise<void> {
  const pidFile = path.join(dataDir, 'cluster', 'postmaster.pid');
  const server = await liveServer(pidFile);
  const starter = await liveStarter(dataDir);
  if (starter !== undefined && (server !== undefined || starter !== process.pid)) throw inUse(dataDir, starter);
  if (server !== undefined) {
    log(`stopping the PostgreSQL (process ${server}) that a dead process left in ${dataDir}`);
    process.kill(server, 'SIGINT');
    for (let waited = 0; (await liveServer(pidFile)) === server; waited += 50) {
      if (waited > 30_000) throw new Error(`the PostgreSQL left in ${dataDir} (process ${server}) does not stop: stop it by hand`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await rm(pidFile, { force: true });
}

/** What PostgreSQL writes down of itself: its process in line 1, its data folder in line 2, the second of its start in line 3. */
interface ServerRecord {
  readonly pid: number;
  readonly folder: string;
  readonly startedAt: number;
}

/**
 * The process of the file when it is the server of the file's folder. After a restart of the machine the number may be anybody's, also
 * another PostgreSQL's: it is ours only if it serves this very folder and began when the file says. Nothing else is ever stopped.
 */
async function liveServer(pidFile: string): Promise<number | undefined> {
  const [pid, folder, startedAt] = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n');
  const recorded: ServerRecord = { pid: Number(pid), folder: folder ?? '', startedAt: Number(startedAt) };
  // A copy of a folder names the server of the original.
  if (!(recorded.pid > 0) || !(await sameFolder(recorded.folder, path.dirname(pidFile)))) return undefined;
  if ((await processMark(recorded.pid)) === undefined) return undefined;
  if (process.platform !== 'linux')
    throw new Error(
      `process ${recorded.pid} may be the PostgreSQL that a dead process left in ${recorded.folder}: stop it; if it is another program, remove ${pidFile}`,
    );
  return (await isServer(recorded)) ? recorded.pid : undefined;
}

async function sameFolder(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((folder) => stat(folder).catch(() => undefined)));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** The kernel's clock of starts and the server's own differ by the server's first steps, and by what the machine's clock was corrected since. */
const startsApartSeconds = 30;
/** USER_HZ: 100 on every Linux that this runs on. */
const ticksPerSecond = 100;

async function isServer({ pid, folder, startedAt }: ServerRecord): Promise<boolean> {
  const [line, uptime, words] = await Promise.all(
    [`/proc/${pid}/stat`, '/proc/uptime', `/proc/${pid}/cmdline`].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  // Its worker processes have other words there, a dead one that nobody waited for has none.
  const given = (words ?? '').split('\0');
  if (path.basename(given[0] ?? '') !== 'postgres' || !(await sameFolder(given[given.indexOf('-D') + 1] ?? '', folder))) return false;
  const began = Number((line ?? '').slice((line ?? '').lastIndexOf(')') + 2).split(' ')[19]) / ticksPerSecond;
  const bootedAt = Date.now() / 1000 - Number((uptime ?? '').split(' ')[0]);
  return Math.abs(bootedAt + began - startedAt) <= startsApartSeconds;
}
