/** CPU time by process, from Linux's /proc; elsewhere only our own is known. */
import { readdir, readFile } from 'node:fs/promises';

/** USER_HZ: fixed at 100 for what Linux shows to programs. */
const ticksPerSecond = 100;

/** CPU seconds that this process has used. */
export function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

/** CPU seconds that a process and its children have used, those that have ended and were waited for included; 0 when the system does not say. */
export async function cpuOf(pid: number): Promise<number> {
  const children = await readdir('/proc').catch(() => []);
  let ticks = 0;
  for (const name of children) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end while we look.
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const parent = Number(fields[1]);
    if (Number(name) !== pid && parent !== pid) continue;
    ticks += Number(fields[11]) + Number(fields[12]);
    if (Number(name) === pid) ticks += Number(fields[13]) + Number(fields[14]);
  }
  return ticks / ticksPerSecond;
}
