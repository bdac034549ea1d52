/** A copy of the sources in the checkout, for programs that change them to see which test notices. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isRunning } from './is-running.mjs';

const prefix = 'readmit-mutate-';
const excluded = ['node_modules', 'dist', '.git', '.nx', '.readmit', '.readmit-kafka', '.cache', 'coverage'];

/** Creates the copy in the system's temporary folder, without dependencies and builds, and removes it when the process ends. Returns its folder. */
export function copySources(workspace) {
  removeLeftovers();
  const copy = mkdtempSync(path.join(os.tmpdir(), `${prefix}${process.pid}-`));
  // children.mjs ends the process on a signal while no child runs: the copy must be removed then, too.
  process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
  for (const name of readdirSync(workspace)) {
    if (excluded.includes(name)) continue;
    cpSync(path.join(workspace, name), path.join(copy, name), {
      recursive: true,
      filter: (file) => !['node_modules', 'dist'].includes(path.basename(file)),
    });
  }
  // Dependencies are linked; jest maps `@readmit/*` to the copy.
  symlinkSync(path.join(workspace, 'node_modules'), path.join(copy, 'node_modules'), 'dir');
  mkdirSync(path.join(copy, '.cache'), { recursive: true });
  return copy;
}

/** Copies of runs that were killed before they could remove them. */
function removeLeftovers() {
  for (const name of readdirSync(os.tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}
