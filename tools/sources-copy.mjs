/** A copy of the checkout's sources, for programs that change them to see what notices. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const prefix = 'readmit-mutate-';
const left = ['node_modules', 'dist', '.git', '.nx', '.readmit', '.readmit-kafka', '.cache', 'coverage'];

/** Makes the copy in the system's temporary folder, without what is installed or built; it goes with the process. Returns its folder. */
export function copySources(house) {
  removeLeftovers();
  const copy = mkdtempSync(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
  // children.mjs ends the process at a signal that comes while no child runs: the copy must go then, too.
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
  for (const name of readdirSync(house)) {
    if (left.includes(name)) continue;
    cpSync(path.join(house, name), path.join(copy, name), {
      recursive: true,
      filter: (file) => !['node_modules', 'dist'].includes(path.basename(file)),
    });
  }
  // What is installed is reached by a link, and `@readmit/*` by jest's own mapping to the copy.
  symlinkSync(path.join(house, 'node_modules'), path.join(copy, 'node_modules'), 'dir');
  mkdirSync(path.join(copy, '.cache'), { recursive: true });
  return copy;
}

/** Copies of runs that were killed before they could clear up. */
function removeLeftovers() {
  for (const name of readdirSync(os.tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || runs(Number(pid))) continue;
    rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}
function runs(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
