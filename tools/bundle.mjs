/**
 * Puts each program and the modules that it loads into few files, `dist/programs`: a service loads some 2,000 modules, and finding and reading
 * them one by one is more than half of what its start costs. Names stay as they are, for stack traces.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rolldown } from 'rolldown';

const programs = 'dist/programs';
const stampFile = path.join(programs, 'made-from');
/** The image contains the first alone: what starts servers on this machine is in chunks of its own. */
const sets = [
  { apps: ['intake', 'classification', 'approval', 'execution', 'revocation-scheduler', 'audit', 'cli'], chunks: 'service' },
  { apps: ['standalone', 'demo'], chunks: 'launcher' },
];

/** @returns {Promise<void>} nothing is written when what the programs are made from has not changed */
export async function bundlePrograms() {
  const stamp = await madeFrom();
  if (existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) return;
  const fresh = `${programs}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  for (const set of sets) await bundle(set, fresh);
  await writeFile(path.join(fresh, 'made-from'), stamp);
  await rm(programs, { recursive: true, force: true });
  await rename(fresh, programs);
  // Of files that are gone (tools/program-main.mjs).
  await rm('dist/.compile-cache', { recursive: true, force: true });
}

async function madeFrom() {
  const hash = createHash('sha256');
  const add = async (file) => hash.update(`${file}\0`).update(await readFile(file));
  for (const file of ['tools/bundle.mjs', 'package-lock.json']) await add(file);
  for (const file of await readdir('patches')) await add(path.join('patches', file));
  const libs = (await readdir('libs')).map((lib) => path.join('libs', lib, 'dist'));
  for (const folder of ['dist/apps', ...libs].filter((folder) => existsSync(folder)))
    for (const entry of (await readdir(folder, { recursive: true })).sort()) if (entry.endsWith('.js')) await add(path.join(folder, entry));
  return hash.digest('hex');
}

async function bundle({ apps, chunks }, into) {
  const made = await rolldown({
    input: Object.fromEntries(apps.map((app) => [app, path.resolve('dist/apps', app, 'main.checked.js')])),
    platform: 'node',
    // Requires files of its own by names that it computes; the tour of start:real alone loads it.
    external: ['playwright-core'],
    // Nest and TypeORM work by what their modules do when they are loaded.
    treeshake: false,
    plugins: [{ name: 'places', transform: placesAsBefore }],
    onLog: (level, log) => {
      // Optional packages of Nest that nobody installed; `eval` in third-party code.
      if (log.code !== 'UNRESOLVED_IMPORT' && log.code !== 'EVAL') process.stderr.write(`${level}: ${log.message}\n`);
    },
  });
  await made.write({
    dir: into,
    format: 'esm',
    keepNames: true,
    chunkFileNames: `${chunks}-[name]-[hash].js`,
    banner: 'const bundledAt = import.meta.url;',
  });
  await made.close();
}

/** A module that looks for files next to itself finds them where it was, not where the bundle is. */
function placesAsBefore(code, id) {
  if (!path.isAbsolute(id)) return undefined;
  const url = `new URL(${JSON.stringify(path.relative(path.resolve(programs), id).split(path.sep).join('/'))}, bundledAt)`;
  const file = `process.getBuiltinModule('node:url').fileURLToPath(${url})`;
  const folder = (of) => `process.getBuiltinModule('node:path').dirname(${of})`;
  const commonJs = /\b(?:__dirname|__filename)\b/.test(code) && !/^(?:import|export) /m.test(code);
  const placed = code
    .replace(/\bimport\.meta\.url\b/g, `${url}.href`)
    .replace(/\bimport\.meta\.filename\b/g, file)
    .replace(/\bimport\.meta\.dirname\b/g, folder(file));
  if (commonJs) return `var __filename = ${file}, __dirname = ${folder('__filename')};${placed}`;
  return placed === code ? undefined : placed;
}
