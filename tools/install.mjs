/**
 * Makes sure that node_modules is what package-lock.json says, and knows where the pinned Node is. Runs under any Node >= 20
 * with nothing installed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCaptured } from './children.mjs';
import { withProgress } from './progress.mjs';

/** Path of the pinned Node, which the npm package `node` brings. */
export const pinnedNode = (house) => path.join(house, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** Throws with what to do when the dependencies cannot be installed. */
export async function ensureDependencies(house) {
  const lockFile = path.join(house, 'package-lock.json');
  // The hash of what node_modules was made from. npm ci removes it with everything else, so a broken install has none.
  const marker = path.join(house, 'node_modules/.readmit-lock');
  const hash = createHash('sha256');
  for (const file of [lockFile, ...patchesOf(house)]) hash.update(readFileSync(file));
  const made = hash.digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === made && existsSync(pinnedNode(house))) return;
  if (!matchesLock(house, lockFile)) await install(house);
  if (!existsSync(pinnedNode(house))) {
    throw new Error(
      'dependencies are installed, but the pinned Node is not among them (node_modules/node/bin). Its install script has not run: ' +
        'check that npm\'s "ignore-scripts" is off, then remove node_modules and try again.',
    );
  }
  // Once more: whoever installed with "ignore-scripts", or before a patch was there, has packages without it.
  await patch(house);
  writeFileSync(marker, made);
}

/** What is changed in packages after they are installed (patch-package). */
function patchesOf(house) {
  const folder = path.join(house, 'patches');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => path.join(folder, name));
}

/** What is patched already stays as it is. */
async function patch(house) {
  if (patchesOf(house).length === 0) return;
  const args = [path.join(house, 'node_modules/patch-package/index.js'), '--error-on-fail'];
  const { code, output } = await runCaptured(pinnedNode(house), args, { cwd: house, env: process.env });
  if (code !== 0) throw new Error(`the patches of patches/ do not fit node_modules; remove node_modules and try again:\n${output}`);
}

/** True when somebody has run npm by hand and the result is what the lock says: nothing to do then. */
function matchesLock(house, lockFile) {
  const installedFile = path.join(house, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(pinnedNode(house))) return false;
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const same = (name) => installed[name]?.version === wanted[name]?.version;
  const needed = Object.keys(wanted).filter((name) => name.startsWith('node_modules/') && !wanted[name].optional && !wanted[name].peer);
  return needed.every((name) => name in installed && same(name)) && Object.keys(installed).every((name) => !(name in wanted) || same(name));
}

async function install(house) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli && /npm-cli\.c?js$/.test(cli) ? [process.execPath, [cli]] : ['npm', []];
  // Development tools are needed whatever NODE_ENV says: the build is one of them.
  const args = [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--progress=false'];
  let done;
  try {
    done = await withProgress(
      'installing dependencies',
      () => runCaptured(command, args, { cwd: house, env: process.env, shell: process.platform === 'win32' && command === 'npm' }),
      ({ code }) => (code === 0 ? 'done' : 'failed'),
    );
  } catch (cause) {
    throw new Error('npm could not be started. Install Node 20 or newer with npm 10 or newer, then try again.', { cause });
  }
  if (done.code === 0) return;
  const tail = done.output.trimEnd().split('\n').slice(-40).join('\n');
  throw new Error(
    `npm ci failed with exit code ${done.code}; the end of what it said:\n${tail}\nThe first start needs the network once. Try again with: npm ci`,
  );
}
