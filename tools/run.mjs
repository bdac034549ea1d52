/**
 * The one door behind `npm start`, `npm test` and the other scripts: `node tools/run.mjs <command> [arguments]`. Runs under any
 * Node >= 20 with npm >= 10 on a fresh clone: installs what package-lock.json says, then hands over to the pinned Node 24.
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
    `npm start and the other scripts need Node 20 or newer, which then fetches the Node that Readmit runs on; this is Node ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exit(78);
}
const house = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [command, ...args] = process.argv.slice(2);

/** @type {Record<string, (place: { house: string, node: string, env: NodeJS.ProcessEnv }) => Promise<number>>} */
const commands = {
  start: (place) => onBuilt(place, 'dist/apps/standalone/main.js'),
  test: (place) => (args.length > 0 ? runTestsOnly(place, args) : runGates(place)),
  build,
  lint: (place) => runOnTerminal(place.node, ['tools/lint.mjs', ...args], { cwd: house, env: place.env }),
  bench: (place) => onBuilt(place, 'tools/bench.mjs'),
  fault,
  'validate:deploy': (place) => onBuilt(place, 'tools/validate-deploy.mjs'),
  mutate: (place) =>
    runOnTerminal(place.node, [args.includes('--guards') ? 'tools/guards.mjs' : 'tools/mutate.mjs', ...args], {
      cwd: house,
      env: place.env,
    }),
  requirements: (place) => runOnTerminal(place.node, ['tools/requirements.mjs', ...args], { cwd: house, env: place.env }),
};

/** Runs the program with our arguments, once what it stands on is built. */
async function onBuilt(place, program) {
  const built = isReadOnly() ? builtBefore(program) : await build(place);
  return built === 0 && !wasStopped() ? runOnTerminal(place.node, [program, ...args], { cwd: house, env: place.env }) : built;
}

/** Nothing can be built there. Somebody else may have, before it was given to us. */
function isReadOnly() {
  try {
    accessSync(house, constants.W_OK);
    return false;
  } catch (error) {
    if (error.code === 'EROFS' || error.code === 'EACCES') return true;
    throw error;
  }
}

/** @returns {number} exit code */
function builtBefore(program) {
  if (existsSync(path.join(house, 'dist/apps/standalone/main.js'))) return 0;
  process.stderr.write(
    `${house} cannot be written to and was never built, so ${program} cannot run: build where it can be (npm run build)\n`,
  );
  return 1;
}

/**
 * Many runs with one stolen key each, in memory, and of two cases at a real target; then the matrix of faults on what was built. All are seen
 * through, whatever the first finds.
 */
async function fault(place) {
  const seed = /--seed[= ](\d+)/.exec(args.join(' '))?.[1] ?? String(Date.now() % 1_000_000);
  process.stdout.write(`500 runs with the stolen key of each service, and runs of two cases at a real PostgreSQL, from seed ${seed}\n`);
  const fuzz = await runOnTerminal(place.node, [...jestFlags, 'tests/fuzz'], {
    cwd: house,
    env: { ...place.env, READMIT_FUZZ_RUNS: '500', READMIT_FUZZ_SEED: seed },
  });
  return wasStopped() ? fuzz : (await onBuilt(place, 'tools/fault.mjs')) || fuzz;
}

/** Builds what has changed; nx's cache makes the rest cheap. */
async function build(place) {
  const { code, output } = await withProgress(
    'building',
    () => runCaptured(place.node, buildArgs, { cwd: house, env: place.env }),
    (done) => (done.code === 0 ? 'done' : 'failed'),
  );
  if (code !== 0 && !wasStopped()) process.stderr.write(output);
  return code;
}

/** Node and npm tools of the house first; nx without its daemon, which would outlive us, and without its screen. */
function environment() {
  const bin = path.join(house, 'node_modules/.bin');
  return {
    ...process.env,
    PATH: [bin, path.dirname(pinnedNode(house)), process.env.PATH].filter(Boolean).join(path.delimiter),
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    // What is kept to be printed later must not hold colours that a pipe cannot show.
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }),
  };
}

const chosen = Object.hasOwn(commands, command ?? '') ? commands[command] : undefined;
if (!chosen) {
  process.stderr.write(`usage: node tools/run.mjs <${Object.keys(commands).join('|')}> [arguments]\n`);
  process.exit(2);
}
if (command === 'start' && args.some((arg) => arg === '--help' || arg === '-h')) {
  process.stdout.write(readFileSync(path.join(house, 'apps/standalone/usage.txt'), 'utf8'));
  process.exit(0);
}
// `npm start | head`: what we say is not needed; the program that we run knows itself what to do when nobody reads.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
  });
try {
  await ensureDependencies(house);
  process.exitCode = await chosen({ house, node: pinnedNode(house), env: environment() });
} catch (error) {
  process.stderr.write(`error: ${error.message}\n${error.cause ? `cause: ${error.cause.message}\n` : ''}`);
  process.exitCode = 1;
}
