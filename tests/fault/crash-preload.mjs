/**
 * Loaded before the program of a service (crashes.ts makes the launcher do so): the process kills itself at the points that are armed for it,
 * each by a file. A point is disarmed just before the kill, so that the next process passes it.
 */
import { renameSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { installCrashHook } from '../../libs/platform/dist/crash-points.js';

const folder = new URL(import.meta.url).searchParams.get('folder');
const service = path.basename(path.dirname(process.argv[1]));

installCrashHook((point) => {
  const name = `${service} ${point}`;
  try {
    renameSync(path.join(folder, 'armed', name), path.join(folder, 'hit', `${name} ${process.pid}`));
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  process.kill(process.pid, 'SIGKILL');
});
