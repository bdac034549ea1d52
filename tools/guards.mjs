/**
 * `npm run mutate -- --guards [files]`: switches off each guard of the rules, one at a time, and expects a spec to fail. tools/guards/sites.mjs
 * defines what a guard is. A guard that no spec notices must be listed in docs/mutants.md with the reason, and a listed one must not be noticed.
 *
 *   --seconds <n>   starts none after n seconds, in an order that changes daily: for continuous integration
 *   --survivors     also prints the lines for docs/mutants.md of guards that no spec noticed, without the reasons
 *
 * Exit code 1: a guard differs from the list, a spec fails with every guard on, or no guard was tried. 2: wrong arguments.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
// Ends this process on a signal, and with it the workers and the copy.
import './children.mjs';
import { readSurvivors, guardSites, lineOf, withSwitches } from './guards/sites.mjs';
import { specFiles } from './mutant-files.mjs';
import { copySources } from './sources-copy.mjs';

/** Where the guards are: rules that decide who is granted something, and when it ends. */
const guarded = [
  'libs/domain/src/decision-proof',
  'libs/domain/src/evidence',
  'libs/domain/src/grant-judgement',
  'libs/domain/src/restoration-plan/ceiling.ts',
  'libs/domain/src/restoration-plan/holds.ts',
  'libs/domain/src/restoration-plan/intent.ts',
  'libs/domain/src/revocation-obligation',
];
/** Files that define what a service consumes; nothing else in them is switched off. */
const consuming = /\.facts\.ts$/;
/** A spec that takes longer with a guard off does not end: that counts as noticed. */
const specTimeoutMs = 60_000;
const workersAtOnce = 2;
const workers = new Set();
// A worker in an endless loop does not notice that its parent has ended.
process.once('exit', () => workers.forEach((worker) => worker.kill('SIGKILL')));
/** Which spec noticed which guard, so that the next run tries that one first. */
const records = path.resolve(import.meta.dirname, '../tests/mutants/guards.json');

const workspace = path.resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { guards: { type: 'boolean' }, seconds: { type: 'string' }, survivors: { type: 'boolean' } },
});
const within = values.seconds === undefined ? undefined : Number(values.seconds) * 1000;
if (within !== undefined && !(within > 0)) refuse(`--seconds needs a number above 0, not "${values.seconds}"`);
const print = (line) => void process.stdout.write(`${line}\n`);

const sources = specsAndSources('libs/domain/src');
const sites = sources
  .filter((file) => !file.endsWith('.spec.ts') && (positionals.length === 0 || positionals.some((part) => file.includes(part))))
  .flatMap((file) => {
    const all = guardSites(file, readFileSync(path.join(workspace, file), 'utf8'));
    if (guarded.some((place) => file === place || file.startsWith(`${place}/`))) return all;
    return consuming.test(file) ? all.filter(({ kind }) => kind === 'consumes') : [];
  });
for (const part of positionals)
  if (!sites.some(({ file }) => file.includes(part))) refuse(`no file with a guard has "${part}" in its path`);
const copy = copySources(workspace);
for (const [file, own] of Map.groupBy(sites, (site) => site.file)) {
  const text = readFileSync(path.join(workspace, file), 'utf8');
  writeFileSync(
    path.join(copy, file),
    withSwitches(text, own, (site) => sites.indexOf(site)),
  );
}
const config = JSON.stringify(await configuration());
const started = performance.now();
const specs = specFiles(workspace).filter((file) => file.startsWith('libs/domain/') || file.startsWith('tests/execution/'));
/** The spec that noticed a guard last, by the line of the guard. */
const noticers = new Map(Object.entries(existsSync(records) ? JSON.parse(readFileSync(records, 'utf8')) : {}));
/** Specs that passed with every guard on. A spec that fails anyway proves nothing. */
const passing = new Set();
const evaluated = within === undefined ? await evaluatedBySpec() : undefined;

const survivors = readSurvivors(readFileSync(path.join(workspace, 'docs/mutants.md'), 'utf8'));
const order = within === undefined ? sites : shuffled(sites);
const until = started + (within ?? Infinity);
const queue = order.map((site) => ({ guard: sites.indexOf(site), specs: specsFor(site) }));
let wrong = 0;
const fail = (line) => {
  wrong++;
  print(line);
};
const answers = await inWorker(
  queue,
  ({ guard, noticedBy }) => {
    const site = sites[guard];
    noticers.delete(lineOf(site));
    if (noticedBy) noticers.set(lineOf(site), noticedBy.spec);
    const listed = survivors.get(lineOf(site));
    if (!noticedBy && listed === undefined) fail(`NOT NOTICED  ${place(site)}`);
    else if (noticedBy && listed !== undefined) fail(`noticed, so remove it from docs/mutants.md: ${place(site)} (${noticedBy.title})`);
  },
  until,
);
if (within === undefined) {
  const lines = new Set(sites.map(lineOf));
  if (positionals.length === 0) {
    for (const line of survivors.keys()) if (!lines.has(line)) fail(`docs/mutants.md lists a guard that does not exist: ${line}`);
    for (const line of noticers.keys()) if (!lines.has(line)) noticers.delete(line);
  }
  const { format } = await import('prettier');
  const sorted = Object.fromEntries([...noticers].sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(records, await format(JSON.stringify(sorted), { parser: 'json', printWidth: 140 }));
}
if (values.survivors) for (const { guard, noticedBy } of answers) if (!noticedBy) print(`- ${lineOf(sites[guard])}: `);
if (answers.length === 0) fail(`no guard was tried within ${values.seconds} s`);
const noticed = answers.filter(({ noticedBy }) => noticedBy).length;
print(
  `${answers.length} of ${sites.length} guards were switched off: ${noticed} noticed, ${answers.length - noticed} not, ${wrong} wrong, ${seconds(performance.now() - started)}`,
);
process.exit(wrong > 0 ? 1 : 0);

function refuse(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(2);
}
function seconds(ms) {
  return `${Math.round(ms / 1000)} s`;
}
function place(site) {
  return `${site.file} ${site.within}: ${site.text}`;
}
function specsAndSources(folder) {
  return readdirSync(path.join(workspace, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.ts'))
    .map((entry) => path.relative(workspace, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}
/** Which specs evaluate which guards. All guards are on, so the specs must pass. */
async function evaluatedBySpec() {
  const hits = path.join(copy, '.cache', 'hits');
  mkdirSync(hits, { recursive: true });
  process.env.READMIT_GUARD_HITS = hits;
  const [answer] = await inWorker([{ guard: -1, specs }], () => {});
  delete process.env.READMIT_GUARD_HITS;
  refuseFailing(answer);
  for (const spec of specs) passing.add(spec);
  print(`${sites.length} guards, ${specs.length} specs, which take ${seconds(performance.now() - started)} with every guard on`);
  return new Map(
    readdirSync(hits)
      .map((name) => JSON.parse(readFileSync(path.join(hits, name), 'utf8')))
      .map(({ spec, guards }) => [path.relative(copy, spec), new Set(guards)]),
  );
}

/** First the spec that noticed it last, then the nearest, then others that evaluate it; if those are not known, only near ones. */
function specsFor(site) {
  const { file, kind } = site;
  const last = noticers.get(lineOf(site));
  const [name = ''] = path.basename(file).split('.');
  const far = (spec) =>
    spec === last ? -1 : (path.dirname(spec) === path.dirname(file) ? 0 : 2) + (path.basename(spec).startsWith(name) ? 0 : 1);
  const whole = (spec) => !spec.includes('/src/');
  return specs
    .filter((spec) => (kind === 'consumes' ? whole(spec) : true))
    .filter((spec) => (evaluated ? evaluated.get(spec)?.has(sites.indexOf(site)) : far(spec) < 2 || spec.startsWith('libs/domain/test/')))
    .sort((a, b) => far(a) - far(b));
}
/** In an order that changes daily and is the same everywhere. */
function shuffled(all) {
  const day = new Date().toISOString().slice(0, 10);
  const rank = (site) =>
    createHash('sha256')
      .update(`${day} ${lineOf(site)}`)
      .digest('hex');
  return [...all].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
async function configuration() {
  const { default: whole } = await import(path.join(workspace, 'jest.config.mjs'));
  // The specs are pure: they need no server, and they run in the order given here.
  const own = { globalSetup: undefined, globalTeardown: undefined, testSequencer: undefined };
  return { ...whole, ...own, rootDir: copy, setupFilesAfterEnv: [path.join(copy, 'tools/guards/switch.mjs')] };
}

/** Gives the tasks to workers, one at a time each. */
async function inWorker(tasks, answered, end = Infinity) {
  const answers = [];
  const left = [...tasks];
  const work = async () => {
    let worker;
    const run = async (task) => {
      worker ??= startWorker();
      const answer = await oneTask(worker, task);
      if (answer.gone) worker = undefined;
      return answer;
    };
    for (let task; performance.now() < end && (task = left.shift());) {
      const answer = await run(task);
      const spec = answer.noticedBy?.spec;
      if (task.guard >= 0 && spec && !passing.has(spec)) refuseFailing(await run({ guard: -1, specs: [spec] }));
      if (spec) passing.add(spec);
      answers.push(answer);
      answered(answer);
    }
    worker?.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(workersAtOnce, tasks.length) }, work));
  return answers;
}
function refuseFailing({ noticedBy }) {
  if (!noticedBy) return;
  process.stderr.write(`error: fails with every guard on: ${noticedBy.spec}: ${noticedBy.title}\n`);
  process.exit(1);
}
function startWorker() {
  const worker = fork(path.join(copy, 'tools/guards/worker.mjs'), {
    cwd: copy,
    execArgv: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  workers.add(worker);
  return worker;
}
function oneTask(worker, task) {
  return new Promise((resolve) => {
    let late;
    let running;
    const over = (answer) => {
      clearTimeout(late);
      worker.off('message', received).off('exit', gone).off('error', ignored);
      resolve(answer);
    };
    const received = (message) => {
      if (!message.running) return over(message);
      clearTimeout(late);
      running = message.running;
      late = setTimeout(() => worker.kill('SIGKILL'), specTimeoutMs);
    };
    const gone = () =>
      over({ guard: task.guard, gone: true, noticedBy: { spec: running ?? task.specs[0], title: 'the spec does not end' } });
    // Writing to a worker that has ended fails; its exit event is handled.
    const ignored = () => undefined;
    worker.on('message', received).on('exit', gone).on('error', ignored);
    worker.send({ ...task, config, rootDir: copy });
  });
}
