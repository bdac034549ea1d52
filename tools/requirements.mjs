/**
 * `npm run requirements`: prints each requirement with its state and the mutants of its rule that a test noticed, writes
 * docs/generated/requirements.md and where-rules-are.md, and fails on a title with an unknown id, on a mutant whose record is not (or no longer)
 * true, on a clause that neither has a line nor is listed as missing, and when a due row has no mutant that was noticed. Runs no mutant:
 * `npm run mutate` does, and its record is checked for freshness here.
 *
 *   --write               only writes the two files, without judging
 *   --rows                only judges: no table, nothing written
 *   --require R1.1,R1.2   these rows are due, and their absence fails, whatever docs/requirements.json says
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { readMutantFiles, readRecords, specFiles } from './mutant-files.mjs';
import { judgeMutants, readMutants } from './mutants.mjs';
import { readMissing, readRows } from './requirement-rows.mjs';
import { countOf, matchRows, readTitles, renderRequirements, statesOf } from './requirement-titles.mjs';
import { placesOf, readPointers, renderPlaces } from './rule-places.mjs';

const workspace = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { write: { type: 'boolean' }, rows: { type: 'boolean' }, require: { type: 'string' } } });

const read = (file) => (existsSync(path.join(workspace, file)) ? readFileSync(path.join(workspace, file), 'utf8') : undefined);
const { due: dueInRelease, dueFails } = JSON.parse(read('docs/requirements.json'));
const due = values.require === undefined ? dueInRelease : values.require.split(',').map((id) => id.trim());

const rows = readRows(read('docs/requirements.md'));
const missing = readMissing(read('docs/requirements.md'));
const titles = specFiles(workspace).flatMap((file) => readTitles(file, read(file)));
const judged = judgeMutants(readMutants(readMutantFiles(workspace)), readRecords(workspace), titles, read);
const matched = matchRows(rows, titles, judged, due);
const { places, wrong: misplaced } = placesOf(rows, judged, readPointers(read('tests/mutants/places.json')), read);
const { states, wrong: uncovered } = statesOf(rows, matched.kills, places, missing);

if (!values.write && !values.rows) {
  for (const row of rows) {
    const lines = matched.kills.get(row.id).map(({ id, means, killers }) => `${id} ${means}: ${killers[0].title}`);
    process.stdout.write(
      `${row.id.padEnd(6)}${due.includes(row.id) ? 'due ' : '    '}${[states.get(row.id).state, ...lines].join('\n          ')}\n`,
    );
  }
}
const wrong = [];
if (!values.write) check();
if (!values.rows) write();
for (const line of wrong) process.stderr.write(`error: ${line}\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function check() {
  const { unknown, missing: untested } = matched;
  const count = (state) => judged.filter((one) => one.state === state).length;
  const dueIn = (state) => due.filter((id) => states.get(id).state === state);
  process.stdout.write(
    `${countOf(states, 'done')} of ${rows.length} requirements are done, ${countOf(states, 'in part')} in part; of the ${due.length} that are due ` +
      `${dueIn('done').length} are done, ${dueIn('in part').length} in part (${dueIn('in part').join(', ')}). ` +
      `${count('killed')} of ${judged.length} mutants were noticed, ${count('open')} are listed as open, ` +
      `${judged.filter(({ changed }) => changed).length} were last run with another text of the file or spec (npm run mutate -- --changed)\n`,
  );
  wrong.push(...unknown.map((one) => `${one.file}: "${one.title}" names ${one.ids[0]}, which docs/requirements.md does not have`));
  wrong.push(...misplaced, ...uncovered);
  for (const { mutant, state, message } of judged) {
    if (state === 'wrong')
      wrong.push(
        `mutant ${mutant.id} (${mutant.means}): ${message}. Fix its entry in tests/mutants and run "npm run mutate -- ${mutant.id}"`,
      );
  }
  if (untested.length === 0) return;
  const message = `due, but no test that names them noticed one of their mutants: ${untested.join(', ')}`;
  if (dueFails || values.require !== undefined) wrong.push(message);
  else process.stdout.write(`${message}\n(not an error while "dueFails" in docs/requirements.json is false)\n`);
}

function write() {
  mkdirSync(path.join(workspace, 'docs/generated'), { recursive: true });
  writeFileSync(path.join(workspace, 'docs/generated/requirements.md'), renderRequirements(rows, matched, states, dueInRelease));
  writeFileSync(path.join(workspace, 'docs/generated/where-rules-are.md'), renderPlaces(rows, places, missing));
}
