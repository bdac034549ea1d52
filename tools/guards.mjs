/**
 * `npm run mutate -- --guards [files]`: switches off each guard of the rules, one at a time, and expects a spec to fail. tools/guards/sites.mjs
 * defines what a guard is. One that nothing notices must be listed in docs/mutants.md with the reason, and one that is listed must not be noticed.
 *
 *   --seconds <n>   starts none after n seconds, in an order that changes each day: what continuous integration runs
 *   --survivors     also prints the lines for docs/mutants.md of those that nothing noticed, without their reasons
 *
 * Exit code 1: a guard is other than listed, a spec fails with every guard on, or no guard was tried. 2: wrong arguments.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
// Ends this process at a signal, and with it the workers and the copy.
import './children.mjs';
import { readSurvivors, guardSites, lineOf, withSwitches } from './guards/sites.mjs';
import { specsOfHouse } from './mutant-files.mjs';
import { copySources } from './sources-copy.mjs';

/** Where the guards are: rules that decide who gets something, and what ends it. */
const guarded = [
  'libs/domain/src/decision-proof',
  'libs/domain/src/evidence',
  'libs/domain/src/grant-judgement',
  'libs/domain/src/restoration-plan/ceiling.ts',
  'libs/domain/src/restoration-plan/holds.ts',
  'libs/domain/src/restoration-plan/intent.ts',
  'libs/domain/src/revocation-obligation',
];
/** Files that say what a service consumes; nothing else of them is switched. */
const consuming = /\.facts\.ts$/;
/** A spec that takes longer with a guard off does not end: that is noticed, too. */
const patience = 60_000;
const workersAtOnce = 2;
const workers = new Set();
// One that is caught in an endless loop does not see that its parent is gone.
process.once('exit', () => workers.forEach((worker) => worker.kill('SIGKILL')));
/** Which spec noticed which guard, so that the next run asks that one first. */
const records = path.resolve(import.meta.dirname, '../tests/mutants/guards.json');

const house = path.resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { guards: { type: 'boolean' }, seconds: { type: 'string' }, survivors: { type: 'boolean' } },
});
const within = values.seconds === undefined ? undefined : Number(values.seconds) * 1000;
if (within !== undefined && !(within > 0)) refuse(`--seconds needs a number above 0, not "${values.seconds}"`);
const say = (line) => void process.stdout.write(`${line}\n`);

const sources = specsAndSources('libs/domain/src');
const sites = sources
  .filter((file) => !file.endsWith('.spec.ts') && (positionals.length === 0 || positionals.some((part) => file.includes(part))))
  .flatMap((file) => {
    const all = guardSites(file, readFileSync(path.join(house, file), 'utf8'));
    if (guarded.some((place) => file === place || file.startsWith(`${place}/`))) return all;
    return consuming.test(file) ? all.filter(({ kind }) => kind === 'consumes') : [];
  });
for (const part of positionals)
  if (!sites.some(({ file }) => file.includes(part))) refuse(`no file with a guard has "${part}" in its path`);
const copy = copySources(house);
for (const [file, own] of Map.groupBy(sites, (site) => site.file)) {
  const text = readFileSync(path.join(house, file), 'utf8');
  writeFileSync(
    path.join(copy, file),
    withSwitches(text, own, (site) => sites.indexOf(site)),
  );
}
const config = JSON.stringify(await configuration());
const started = performance.now();
const specs = specsOfHouse(house).filter((file) => file.startsWith('libs/domain/') || file.startsWith('tests/execution/'));
/** By the line of a guard: the spec that noticed it last. */
const noticers = new Map(Object.entries(existsSync(records) ? JSON.parse(readFileSync(records, 'utf8')) : {}));
/** Specs that passed with every guard on. One that fails anyway notices nothing. */
const passing = new Set();
const asked = within === undefined ? await askedBySpec() : undefined;

const survivors = readSurvivors(readFileSync(path.join(house, 'docs/mutants.md'), 'utf8'));
const order = within === undefined ? sites : shuffled(sites);
const until = started + (within ?? Infinity);
const queue = order.map((site) => ({ guard: sites.indexOf(site), specs: specsFor(site) }));
let wrong = 0;
const fail = (line) => {
  wrong++;
  say(line);
};
const answers = await inWorker(
  queue,
  ({ guard, noticedBy }) => {
    const site = sites[guard];
    noticers.delete(lineOf(site));
    if (noticedBy) noticers.set(lineOf(site), noticedBy.spec);
    const listed = survivors.get(lineOf(site));
    if (!noticedBy && listed === undefined) fail(`NOT NOTICED  ${place(site)}`);
    else if (noticedBy && listed !== undefined) fail(`noticed, so take it out of docs/mutants.md: ${place(site)} (${noticedBy.title})`);
  },
  until,
);
if (within === undefined) {
  const lines = new Set(sites.map(lineOf));
  if (positionals.length === 0) {
    for (const line of survivors.keys()) if (!lines.has(line)) fail(`docs/mutants.md lists what is not there: ${line}`);
    for (const line of noticers.keys()) if (!lines.has(line)) noticers.delete(line);
  }
  const { format } = await import('prettier');
  const sorted = Object.fromEntries([...noticers].sort(([one], [other]) => (one < other ? -1 : 1)));
  writeFileSync(records, await format(JSON.stringify(sorted), { parser: 'json', printWidth: 140 }));
}
if (values.survivors) for (const { guard, noticedBy } of answers) if (!noticedBy) say(`- ${lineOf(sites[guard])}: `);
if (answers.length === 0) fail(`no guard was tried within ${values.seconds} s`);
const noticed = answers.filter(({ noticedBy }) => noticedBy).length;
say(
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
  return readdirSync(path.join(house, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.ts'))
    .map((entry) => path.relative(house, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}
/** Which specs ask which guards, with all of them on; they must pass. */
async function askedBySpec() {
  const hits = path.join(copy, '.cache', 'hits');
  mkdirSync(hits, { recursive: true });
  process.env.READMIT_GUARD_HITS = hits;
  const [answer] = await inWorker([{ guard: -1, specs }], () => {});
  delete process.env.READMIT_GUARD_HITS;
  refuseFailing(answer);
  for (const spec of specs) passing.add(spec);
  say(`${sites.length} guards, ${specs.length} specs, which take ${seconds(performance.now() - started)} with every guard on`);
  return new Map(
    readdirSync(hits)
      .map((name) => JSON.parse(readFileSync(path.join(hits, name), 'utf8')))
      .map(({ spec, guards }) => [path.relative(copy, spec), new Set(guards)]),
  );
}

/** First the one that noticed it last, then the nearest, then the others that ask it; without a look at who asks, near ones alone. */
function specsFor(site) {
  const { file, kind } = site;
  const last = noticers.get(lineOf(site));
  const [name = ''] = path.basename(file).split('.');
  const far = (spec) =>
    spec === last ? -1 : (path.dirname(spec) === path.dirname(file) ? 0 : 2) + (path.basename(spec).startsWith(name) ? 0 : 1);
  const whole = (spec) => !spec.includes('/src/');
  return specs
    .filter((spec) => (kind === 'consumes' ? whole(spec) : true))
    .filter((spec) => (asked ? asked.get(spec)?.has(sites.indexOf(site)) : far(spec) < 2 || spec.startsWith('libs/domain/test/')))
    .sort((a, b) => far(a) - far(b));
}
/** Another part of them each day, the same for everybody. */
function shuffled(all) {
  const day = new Date().toISOString().slice(0, 10);
  const rank = (site) =>
    createHash('sha256')
      .update(`${day} ${lineOf(site)}`)
      .digest('hex');
  return [...all].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
async function configuration() {
  const { default: whole } = await import(path.join(house, 'jest.config.mjs'));
  // The specs are pure: they need no server, and they run in our order.
  const own = { globalSetup: undefined, globalTeardown: undefined, testSequencer: undefined };
  return { ...whole, ...own, rootDir: copy, setupFilesAfterEnv: [path.join(copy, 'tools/guards/switch.mjs')] };
}

/** Hands the tasks to workers, one at a time each. */
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
      worker.off('message', told).off('exit', gone).off('error', ignored);
      resolve(answer);
    };
    const told = (message) => {
      if (!message.running) return over(message);
      clearTimeout(late);
      running = message.running;
      late = setTimeout(() => worker.kill('SIGKILL'), patience);
    };
    const gone = () =>
      over({ guard: task.guard, gone: true, noticedBy: { spec: running ?? task.specs[0], title: 'the spec does not end' } });
    // A worker that is gone cannot be written to; its end tells the same.
    const ignored = () => undefined;
    worker.on('message', told).on('exit', gone).on('error', ignored);
    worker.send({ ...task, config, rootDir: copy });
  });
}
