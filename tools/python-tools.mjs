/**
 * Python programs that some tests and tools run. `tools/python/<name>.txt` pins the packages of one; they are installed once into a virtual
 * environment in `.cache`. `node tools/python-tools.mjs [names]` installs all or the named ones and prints the Python of each.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDebian } from './debian.mjs';

const workspace = fileURLToPath(new URL('..', import.meta.url));
const python3 = 'python3';
const succeeds = (code) => spawnSync(python3, ['-c', code]).status === 0;
const withVenv = [{ package: 'python3-venv', finds: () => succeeds('import ensurepip, venv') }];

/** @type {typeof import('./python-tools.d.mts').pythonTools} */
export function pythonTools(name) {
  const requirements = path.join(workspace, 'tools/python', `${name}.txt`);
  // A folder with this name is complete and matches the file.
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8);
  const folder = path.join(workspace, '.cache', `python-${name}-${wanted}`);
  const missing = existsSync(folder) ? undefined : install(requirements, folder);
  if (missing !== undefined) return { missing };
  const bin = path.join(folder, 'bin');
  return { python: path.join(bin, 'python'), program: (program) => path.join(bin, program) };
}

/** @returns {string | undefined} why it failed */
function install(requirements, folder) {
  const without = ensureDebian(withVenv);
  if (without !== undefined) return without;
  process.stderr.write(`installing the Python packages of ${path.relative(workspace, requirements)} (once)\n`);
  const partial = `${folder}.${randomBytes(6).toString('hex')}`;
  mkdirSync(path.dirname(folder), { recursive: true });
  try {
    const python = path.join(partial, 'bin/python');
    const pip = ['-m', 'pip', '--disable-pip-version-check'];
    const failure =
      run(python3, ['-m', 'venv', partial]) ??
      // The file pins every package: without --no-deps others could be installed, and the check reports missing ones.
      run(python, [...pip, 'install', '--quiet', '--no-deps', '-r', requirements]) ??
      run(python, [...pip, 'check']);
    if (failure !== undefined) return failure;
    moveInto(folder, partial);
    return undefined;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** The first lines of its scripts still name the old folder: that is why they are run as an argument of Python. */
function moveInto(folder, partial) {
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another process may have installed it at the same time and finished first; both folders are the same.
    if (!existsSync(folder)) throw error;
  }
}

/** @returns {string | undefined} what went wrong */
function run(command, args) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 });
  if (done.status === 0) return undefined;
  const output = done.error ? done.error.message : `${done.stdout}${done.stderr}`.trim().split('\n').slice(-4).join('\n');
  return `${command} ${args.join(' ')} failed: ${output}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const named = process.argv.slice(2);
  const all = readdirSync(path.join(workspace, 'tools/python')).map((file) => path.basename(file, '.txt'));
  for (const name of named.length > 0 ? named : all) {
    const found = pythonTools(name);
    process.stdout.write(`${'missing' in found ? found.missing : found.python}\n`);
    if ('missing' in found) process.exitCode = 1;
  }
}
