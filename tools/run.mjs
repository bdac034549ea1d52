/**
 * Entry point of `npm start`, `npm test` and the other scripts: `node tools/run.mjs <command> [arguments]`. Runs under any
 * Node >= 20 with npm >= 10 on a new clone: installs the dependencies of package-lock.json, then runs the command with the pinned Node 24.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCaptured, runOnTerminal, wasStopped } from './children.mjs';
import { buildArgs, jestFlags, runGates, runTestsOnly } from './gates.mjs';
import { ensureDependencies, pinnedNode } from './install.mjs';
import { withProgress } from './progress.mjs';

if (Number(process.versions.node.split('.')[0]) < 20) {
  process.stderr.write(
    `npm start and the other scripts need Node 20 or newer, which then downloads the Node that Readmit runs on; this is Node ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exit(78);
}
const workspace = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [command, ...args] = process.argv.slice(2);

/** @type {Record<string, (place: { workspace: string, node: string, env: NodeJS.ProcessEnv }) => Promise<number>>} */
const commands = {
  start: (place) => onBuilt(place, 'dist/apps/standalone/main.js'),
  test: (place) => (args.length > 0 ? runTestsOnly(place, args) : runGates(place)),
  build,
  lint: (place) => runOnTerminal(place.node, ['tools/lint.mjs', ...args], { cwd: workspace, env: place.env }),
  bench: (place) => onBuilt(place, 'tools/bench.mjs'),
  fault,
  'validate:deploy': (place) => onBuilt(place, 'tools/validate-deploy.mjs'),
  mutate: (place) =>
    runOnTerminal(place.node, [args.includes('--guards') ? 'tools/guards.mjs' : 'tools/mutate.mjs', ...args], {
      cwd: workspace,
      env: place.env,
    }),
  requirements: (place) => runOnTerminal(place.node, ['tools/requirements.mjs', ...args], { cwd: workspace, env: place.env }),
};

/** Builds what the program needs, then runs it with the arguments of this one. */
async function onBuilt(place, program) {
  const built = isReadOnly() ? builtBefore(program) : await build(place);
  return built === 0 && !wasStopped() ? runOnTerminal(place.node, [program, ...args], { cwd: workspace, env: place.env }) : built;
}

/** Then nothing can be built, but it may have been built before. */
function isReadOnly() {
  try {
    accessSync(workspace, constants.W_OK);
    return false;
  } catch (error) {
    if (error.code === 'EROFS' || error.code === 'EACCES') return true;
    throw error;
  }
}

/** @returns {number} exit code */
function builtBefore(program) {
  if (existsSync(path.join(workspace, 'dist/apps/standalone/main.js'))) return 0;
  process.stderr.write(
    `${workspace} is read-only and was not built, so ${program} cannot run: run npm run build in a writable copy first\n`,
  );
  return 1;
}

/**
 * Many runs in memory with one stolen key each, and runs of two cases at a real target; then the fault matrix on the build. The matrix runs even
 * if the first finds something.
 */
async function fault(place) {
  const seed = /--seed[= ](\d+)/.exec(args.join(' '))?.[1] ?? String(Date.now() % 1_000_000);
  process.stdout.write(`500 runs with the stolen key of each service, and runs of two cases at a real PostgreSQL, from seed ${seed}\n`);
  const fuzz = await runOnTerminal(place.node, [...jestFlags, 'tests/fuzz'], {
    cwd: workspace,
    env: { ...place.env, READMIT_FUZZ_RUNS: '500', READMIT_FUZZ_SEED: seed },
  });
  return wasStopped() ? fuzz : (await onBuilt(place, 'tools/fault.mjs')) || fuzz;
}

/** Builds what has changed; the rest comes from nx's cache. */
async function build(place) {
  const { code, output } = await withProgress(
    'building',
    () => runCaptured(place.node, buildArgs, { cwd: workspace, env: place.env }),
    (done) => (done.code === 0 ? 'done' : 'failed'),
  );
  if (code !== 0 && !wasStopped()) process.stderr.write(output);
  return code;
}

/** Node and npm programs of the workspace come first; nx runs without its daemon, which would outlive this process, and without its terminal UI. */
function environment() {
  const bin = path.join(workspace, 'node_modules/.bin');
  return {
    ...process.env,
    PATH: [bin, path.dirname(pinnedNode(workspace)), process.env.PATH].filter(Boolean).join(path.delimiter),
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    // Output that is captured and printed later must not contain colours if stdout is not a terminal.
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }),
  };
}

const chosen = Object.hasOwn(commands, command ?? '') ? commands[command] : undefined;
if (!chosen) {
  process.stderr.write(`usage: node tools/run.mjs <${Object.keys(commands).join('|')}> [arguments]\n`);
  process.exit(2);
}
if (command === 'start' && args.some((arg) => arg === '--help' || arg === '-h')) {
  process.stdout.write(readFileSync(path.join(workspace, 'apps/standalone/usage.txt'), 'utf8'));
  process.exit(0);
}
// `npm start | head`: a closed pipe is not an error here; the program that is run handles it itself.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
try {
  await ensureDependencies(workspace);
  process.exitCode = await chosen({ workspace, node: pinnedNode(workspace), env: environment() });
} catch (error) {
  process.stderr.write(`error: ${error.message}\n${error.cause ? `cause: ${error.cause.message}\n` : ''}`);
  process.exitCode = 1;
}
