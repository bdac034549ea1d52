/**
 * `npm run requirements`: prints each requirement with the tests that name it, writes docs/generated/requirements.md, and fails
 * on a title with an unknown id or when a due row has no test.
 *
 *   --write               only writes the file, without judging
 *   --rows                only judges titles and due rows: no table, nothing written
 *   --require R1.1,R1.2   these rows are due, and their absence fails, whatever docs/requirements.json says
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { matchRows, readRows, readTitles, renderRequirements } from './requirement-titles.mjs';

const house = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { write: { type: 'boolean' }, rows: { type: 'boolean' }, require: { type: 'string' } } });

const read = (file) => readFileSync(path.join(house, file), 'utf8');
const { due: owed, dueFails } = JSON.parse(read('docs/requirements.json'));
const due = values.require === undefined ? owed : values.require.split(',').map((id) => id.trim());

const specs = ['apps', 'libs', 'tests'].flatMap((folder) => specsBelow(folder)).sort();
const rows = readRows(read('docs/requirements.md'));
const { tests, unknown, missing } = matchRows(
  rows,
  specs.flatMap((file) => readTitles(file, read(file))),
  due,
);

if (!values.write && !values.rows) {
  for (const row of rows) {
    const titles = [...new Set(tests.get(row.id).map((one) => one.title))];
    process.stdout.write(
      `${row.id.padEnd(6)}${due.includes(row.id) ? 'due ' : '    '}${titles.length > 0 ? titles.join('\n          ') : 'open'}\n`,
    );
  }
}
const wrong = [];
if (!values.write) judgeRows();
if (!values.rows) write();
for (const line of wrong) process.stderr.write(`error: ${line}\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function judgeRows() {
  const proved = rows.filter((row) => tests.get(row.id).length > 0).length;
  process.stdout.write(
    `${proved} of ${rows.length} requirements have a test; ${due.length - missing.length} of ${due.length} that are due\n`,
  );
  wrong.push(...unknown.map((one) => `${one.file}: "${one.title}" names ${one.ids[0]}, which docs/requirements.md does not have`));
  if (missing.length === 0) return;
  const says = `due, but no test names them: ${missing.join(', ')}`;
  if (dueFails || values.require !== undefined) wrong.push(says);
  else process.stdout.write(`${says}\n(not an error while "dueFails" in docs/requirements.json is false)\n`);
}

function write() {
  mkdirSync(path.join(house, 'docs/generated'), { recursive: true });
  writeFileSync(path.join(house, 'docs/generated/requirements.md'), renderRequirements(rows, tests, owed));
}

function specsBelow(folder) {
  return readdirSync(path.join(house, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : specsBelow(file);
    return entry.name.endsWith('.spec.ts') ? [file] : [];
  });
}
