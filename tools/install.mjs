/**
 * Makes sure that node_modules matches package-lock.json, and knows where the pinned Node is. Runs under any Node >= 20
 * with nothing installed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCaptured } from './children.mjs';
import { withProgress } from './progress.mjs';

/** Path of the pinned Node, from the npm package `node`. */
export const pinnedNode = (workspace) => path.join(workspace, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** The error says what to do if the dependencies cannot be installed. */
export async function ensureDependencies(workspace) {
  const lockFile = path.join(workspace, 'package-lock.json');
  // Hash of the lock file and the patches. npm ci removes it with everything else, so a failed installation has none.
  const marker = path.join(workspace, 'node_modules/.readmit-lock');
  const hash = createHash('sha256');
  for (const file of [lockFile, ...patchesOf(workspace)]) hash.update(readFileSync(file));
  const wanted = hash.digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted && existsSync(pinnedNode(workspace))) return;
  if (!matchesLock(workspace, lockFile)) await install(workspace);
  if (!existsSync(pinnedNode(workspace))) {
    throw new Error(
      'dependencies are installed, but without the pinned Node (node_modules/node/bin). Its install script did not run: ' +
        'check that npm\'s "ignore-scripts" is off, then remove node_modules and try again.',
    );
  }
  // Needed after an installation with "ignore-scripts" or before a patch was added.
  await patch(workspace);
  writeFileSync(marker, wanted);
}

/** Changes to packages after their installation (patch-package). */
function patchesOf(workspace) {
  const folder = path.join(workspace, 'patches');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => path.join(folder, name));
}

/** Packages that are already patched stay as they are. */
async function patch(workspace) {
  if (patchesOf(workspace).length === 0) return;
  const args = [path.join(workspace, 'node_modules/patch-package/index.js'), '--error-on-fail'];
  const { code, output } = await runCaptured(pinnedNode(workspace), args, { cwd: workspace, env: process.env });
  if (code !== 0) throw new Error(`the patches in patches/ do not apply to node_modules; remove node_modules and try again:\n${output}`);
}

/** True if somebody ran npm by hand and the result matches the lock file: then there is nothing to do. */
function matchesLock(workspace, lockFile) {
  const installedFile = path.join(workspace, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(pinnedNode(workspace))) return false;
  const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const same = (name) => installed[name]?.version === wanted[name]?.version;
  const needed = Object.keys(wanted).filter((name) => name.startsWith('node_modules/') && !wanted[name].optional && !wanted[name].peer);
  return needed.every((name) => name in installed && same(name)) && Object.keys(installed).every((name) => !(name in wanted) || same(name));
}

async function install(workspace) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli && /npm-cli\.c?js$/.test(cli) ? [process.execPath, [cli]] : ['npm', []];
  // The build needs development dependencies, whatever NODE_ENV is.
  const args = [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--progress=false'];
  let done;
  try {
    done = await withProgress(
      'installing dependencies',
      () => runCaptured(command, args, { cwd: workspace, env: process.env, shell: process.platform === 'win32' && command === 'npm' }),
      ({ code }) => (code === 0 ? 'done' : 'failed'),
    );
  } catch (cause) {
    throw new Error('npm could not be started. Install Node 20 or newer with npm 10 or newer, then try again.', { cause });
  }
  if (done.code === 0) return;
  const tail = done.output.trimEnd().split('\n').slice(-40).join('\n');
  throw new Error(
    `npm ci failed with exit code ${done.code}; the end of its output:\n${tail}\nThe first start needs the network once. Try again with: npm ci`,
  );
}
