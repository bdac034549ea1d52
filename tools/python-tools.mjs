/**
 * Programs of Python packages that some tests and tools run. `tools/python/<name>.txt` pins the packages of one; they are installed once into a virtual
 * environment below `.cache`. `node tools/python-tools.mjs` installs all by hand, or those that are named, and prints the Python of each.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDebian } from './debian.mjs';

const house = fileURLToPath(new URL('..', import.meta.url));
const python3 = 'python3';
const succeeds = (code) => spawnSync(python3, ['-c', code]).status === 0;
const withVenv = [{ package: 'python3-venv', finds: () => succeeds('import ensurepip, venv') }];

/** @type {typeof import('./python-tools.d.mts').pythonTools} */
export function pythonTools(name) {
  const requirements = path.join(house, 'tools/python', `${name}.txt`);
  // A folder of this name is complete and holds what the file wants.
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8);
  const folder = path.join(house, '.cache', `python-${name}-${wanted}`);
  const missing = existsSync(folder) ? undefined : install(requirements, folder);
  if (missing !== undefined) return { missing };
  const bin = path.join(folder, 'bin');
  return { python: path.join(bin, 'python'), program: (program) => path.join(bin, program) };
}

/** @returns {string | undefined} why it could not */
function install(requirements, folder) {
  const without = ensureDebian(withVenv);
  if (without !== undefined) return without;
  process.stderr.write(`installing the Python packages of ${path.relative(house, requirements)} (once)\n`);
  const making = `${folder}.${randomBytes(6).toString('hex')}`;
  mkdirSync(path.dirname(folder), { recursive: true });
  try {
    const python = path.join(making, 'bin/python');
    const pip = ['-m', 'pip', '--disable-pip-version-check'];
    const failure =
      run(python3, ['-m', 'venv', making]) ??
      // The file names every package: nothing comes that it does not pin, and the check says what it forgot.
      run(python, [...pip, 'install', '--quiet', '--no-deps', '-r', requirements]) ??
      run(python, [...pip, 'check']);
    if (failure !== undefined) return failure;
    moveInto(folder, making);
    return undefined;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** The first lines of its programs go on naming the folder that it had: that is why Python is told what to run. */
function moveInto(folder, making) {
  try {
    renameSync(making, folder);
  } catch (error) {
    // Whoever installed at the same time and came first has won; both folders hold the same.
    if (!existsSync(folder)) throw error;
  }
}

/** @returns {string | undefined} what went wrong */
function run(command, args) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  if (done.status === 0) return undefined;
  const said = done.error ? done.error.message : `${done.stdout}${done.stderr}`.trim().split('\n').slice(-4).join('\n');
  return `${command} ${args.join(' ')} failed: ${said}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const named = process.argv.slice(2);
  const all = readdirSync(path.join(house, 'tools/python')).map((file) => path.basename(file, '.txt'));
  for (const name of named.length > 0 ? named : all) {
    const found = pythonTools(name);
    process.stdout.write(`${'missing' in found ? found.missing : found.python}\n`);
    if ('missing' in found) process.exitCode = 1;
  }
}
