/**
 * `npm run mutate [-- <ids>]`: applies each named mutant (tests/mutants) in a copy of the sources, runs its specs there and expects a test to
 * fail that names one of its rows; it records that test in tests/mutants/killed.json. No other file of the checkout is changed.
 *
 *   npm run mutate                 all that have no record yet or an outdated one
 *   npm run mutate -- R4.4e R6     these, or all whose id begins with it (`R6` is every mutant of R6)
 *   npm run mutate -- --changed    also those whose file or specs were changed since their last run
 *   npm run mutate -- --all        all
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runCaptured, wasStopped } from './children.mjs';
import { jestFlags } from './gates.mjs';
import { readMutantFiles, readRecords, specFiles, writeRecords } from './mutant-files.mjs';
import { changeOf, judgeMutants, mutated, namesRow, readMutants, sourceOf, writtenTitle } from './mutants.mjs';
import { copySources } from './sources-copy.mjs';
import { readTitles } from './requirement-titles.mjs';

const workspace = path.resolve(import.meta.dirname, '..');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean' }, changed: { type: 'boolean' } } });

const read = (file) => (existsSync(path.join(workspace, file)) ? readFileSync(path.join(workspace, file), 'utf8') : undefined);
const print = (line) => void process.stdout.write(`${line}\n`);

const mutants = orRefuse(() => readMutants(readMutantFiles(workspace)));
const records = new Map(readRecords(workspace).map((record) => [record.id, record]));
const titles = specFiles(workspace).flatMap((file) => readTitles(file, read(file)));

const chosen = orRefuse(choose);
const scratch = copySources(workspace);
const failed = await runAll();
process.exitCode = wasStopped() ? 130 : failed > 0 ? 1 : 0;

/** Mistakes in the lists or the arguments are printed without a stack trace. */
function orRefuse(read) {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(2);
  }
}

function choose() {
  const judged = judgeMutants(mutants, [...records.values()], titles, read);
  const unknown = positionals.filter((name) => !mutants.some(({ id }) => begins(id, name)));
  if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(', ')}`);
  if (positionals.length > 0) return mutants.filter(({ id }) => positionals.some((name) => begins(id, name)));
  return judged
    .filter(({ state, changed }) => values.all || state === 'wrong' || (values.changed && (changed || state === 'open')))
    .map(({ mutant }) => mutant);
}
/** `R4.4e` itself, every mutant of the row `R4.4`, or of the group `R4`. */
function begins(id, name) {
  return (
    id === name || id.startsWith(`${name}.`) || (name.includes('.') && id.startsWith(name) && /^[a-z]+\d*$/.test(id.slice(name.length)))
  );
}

async function runAll() {
  const specs = [...new Set(chosen.flatMap((mutant) => mutant.specs))].filter((spec) => read(spec) !== undefined);
  if (chosen.length === 0) {
    print('nothing to do: every mutant has an up-to-date record');
    return 0;
  }
  print(`${chosen.length} mutants; first their ${specs.length} specs without any change`);
  const before = specs.length > 0 ? await jest(specs) : { failed: [], broken: [] };
  if (wasStopped()) return 0;
  let run = 0;
  let notKilled = 0;
  for (const { file, title } of before.failed) print(`fails without a mutant: ${file}: ${title}`);
  for (const file of before.broken) print(`cannot be loaded without a mutant: ${file}`);
  for (const mutant of chosen) {
    const outcome = await tryOne(mutant, before);
    if (wasStopped()) break;
    run++;
    print(`${outcome.killed ? 'killed  ' : mutant.open === undefined ? 'SURVIVES' : 'open    '} ${mutant.id.padEnd(8)} ${outcome.message}`);
    if (outcome.killed) records.set(mutant.id, outcome.killed);
    else records.delete(mutant.id);
    if (!outcome.killed && mutant.open === undefined) notKilled++;
    if (outcome.killed && mutant.open !== undefined) print(`         ${mutant.id} is listed as open: remove "open"`);
    // After each, so that the results of an interrupted run are not lost.
    await writeRecords(
      workspace,
      mutants.flatMap(({ id }) => records.get(id) ?? []),
    );
  }
  print(`${run - notKilled} of ${chosen.length} as listed${run < chosen.length ? `, ${chosen.length - run} were not run` : ''}`);
  return notKilled;
}

async function tryOne(mutant, before) {
  const place = path.join(scratch, mutant.file);
  const original = read(mutant.file);
  if (original === undefined) return { message: `${mutant.file} does not exist` };
  let changed;
  try {
    changed = mutated(mutant, original);
  } catch (error) {
    return { message: error.message };
  }
  const missing = mutant.specs.find((spec) => read(spec) === undefined);
  if (missing) return { message: `${missing} does not exist` };
  if (mutant.specs.length === 0) return { message: `it names no spec: ${mutant.means}` };
  const already = mutant.specs.find((spec) => before.broken.includes(spec));
  if (already) return { message: `${already} cannot be loaded without the change either` };
  writeFileSync(place, changed);
  try {
    const after = await jest(mutant.specs);
    if (wasStopped()) return { message: 'stopped' };
    const news = after.failed.filter((one) => !before.failed.some((old) => old.file === one.file && old.title === one.title));
    if (news.length === 0)
      return { message: after.broken.length > 0 ? `${after.broken[0]} cannot be loaded, so no test ran` : mutant.means };
    const killers = news.flatMap(({ file, title }) => {
      const written = writtenTitle(
        titles.filter((titled) => titled.file === file),
        title,
      );
      return written === undefined ? [] : [{ test: file, title: written }];
    });
    const naming = killers.filter(({ title }) => mutant.rows.some((row) => namesRow(title, row)));
    if (naming.length === 0) return { message: `noticed, but not by a test that names ${mutant.rows.join(' or ')}: ${news[0].title}` };
    const once = [...new Map(naming.map((one) => [`${one.test} ${one.title}`, one])).values()];
    return {
      message: once[0].title,
      killed: { id: mutant.id, change: changeOf(mutant), source: sourceOf(mutant, read), killedBy: once },
    };
  } finally {
    writeFileSync(place, original);
  }
}

async function jest(specs) {
  const report = path.join(scratch, '.cache', 'jest.json');
  rmSync(report, { force: true });
  const { output } = await runCaptured(process.execPath, [...jestFlags, '--json', `--outputFile=${report}`, '--runTestsByPath', ...specs], {
    cwd: scratch,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  if (wasStopped()) return { failed: [], broken: [] };
  if (!existsSync(report)) throw new Error(`jest wrote no report:\n${output.slice(-4000)}`);
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const fileOf = (one) => path.relative(scratch, one.name).split(path.sep).join('/');
  return {
    failed: testResults.flatMap((one) =>
      one.assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => ({ file: fileOf(one), title: fullName })),
    ),
    broken: testResults.filter((one) => one.status === 'failed' && one.assertionResults.length === 0).map(fileOf),
  };
}
