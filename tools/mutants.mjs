/**
 * Named mutants: changes of the product that a test must notice. `tests/mutants/r*.json` lists them, `npm run mutate` applies each of them
 * in a copy and records in `tests/mutants/killed.json` which test failed, `npm run requirements` counts those records.
 */
import { createHash } from 'node:crypto';
import ts from 'typescript';

/**
 * @typedef {{ id: string, rows: string[], clauses: string[], file: string, find: string, replace: string, specs: string[], means: string, open?: string }} Mutant
 * `clauses`: what the list has as `rows`, such as `R4.4` or one clause of it, `R4.4 (2)`; `rows`: their rows. `open`: why no test notices it
 * yet; such a mutant is no proof of anything.
 */
/** @typedef {{ test: string, title: string }} Killer the spec file, and the title as written there */
/** @typedef {{ id: string, change: string, source: string, killedBy: Killer[] }} MutantRecord */
/** @typedef {{ file: string, title: string, ids: string[] }} Titled */

const fields = {
  id: 'string',
  rows: 'array',
  file: 'string',
  find: 'text',
  replace: 'text',
  specs: 'array',
  means: 'string',
  open: 'string',
};

/** The mutants in the files, in order. Throws with all mistakes at once. */
export function readMutants(files) {
  const wrong = [];
  const mutants = [];
  for (const { name, text } of files) {
    for (const entry of JSON.parse(text)) {
      const report = (what) => wrong.push(`${name}: ${entry.id ?? JSON.stringify(entry).slice(0, 80)}: ${what}`);
      for (const key of Object.keys(entry)) if (!Object.hasOwn(fields, key)) report(`"${key}" is not a field`);
      for (const [key, kind] of Object.entries(fields)) {
        if (key === 'open' && entry.open === undefined) continue;
        if (!isOf(kind, entry[key]))
          report(
            `"${key}" must be ${kind === 'array' ? 'an array of strings' : kind === 'text' ? 'a string or an array of lines' : 'a string'}`,
          );
      }
      const lines = (text) => (Array.isArray(text) ? text.join('\n') : text);
      const clauses = entry.rows ?? [];
      const rows = [...new Set(clauses.map((clause) => String(clause).split(' ')[0]))];
      mutants.push({ ...entry, rows, clauses, find: lines(entry.find), replace: lines(entry.replace) });
    }
  }
  for (const mutant of mutants) {
    const says = (what) => wrong.push(`${mutant.id}: ${what}`);
    if (!/^R\d+\.\d+[a-z]+\d*$/.test(mutant.id)) says('an id is a row and a letter, like R4.4e');
    if (mutants.some((other) => other !== mutant && other.id === mutant.id)) says('appears twice');
    if (mutant.rows.length === 0) says('names no row');
    if (!mutant.find) says('has no text to find');
    if (mutant.find === mutant.replace) says('changes nothing');
    if (!mutant.specs?.length && mutant.open === undefined) says('names no spec that must fail');
  }
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  return mutants;
}

function isOf(kind, value) {
  if (kind === 'string') return typeof value === 'string' && value !== '';
  const strings = Array.isArray(value) && value.every((one) => typeof one === 'string');
  return kind === 'array' ? strings : strings || typeof value === 'string';
}

/** The text with the change applied. Throws if the text to find does not occur exactly once, or the result does not compile. */
export function mutated({ id, file, find, replace }, text) {
  const at = placeOf({ find }, text);
  if (typeof at === 'string') throw new Error(`${id}: the text to find ${at} ${file}`);
  const result = text.slice(0, at) + replace + text.slice(at + find.length);
  if (file.endsWith('.ts')) {
    const { diagnostics = [] } = ts.transpileModule(result, {
      reportDiagnostics: true,
      fileName: file,
      compilerOptions: { experimentalDecorators: true, target: ts.ScriptTarget.ES2022 },
    });
    const [first] = diagnostics.filter(({ category }) => category === ts.DiagnosticCategory.Error);
    if (first) throw new Error(`${id}: the changed ${file} does not compile: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`);
  }
  return result;
}

function placeOf({ find }, text) {
  const at = text.indexOf(find);
  if (at < 0) return 'does not occur in';
  return text.includes(find, at + 1) ? 'occurs more than once in' : at;
}

const digest = (...parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
/** Digest of the change itself: an edited mutant counts as another one. */
export const changeOf = ({ file, find, replace }) => digest(file, find, replace);
/** Digest of the sources with which the outcome was seen; `read` returns the text of a file. */
export const sourceOf = ({ file, specs }, read) => digest(read(file), ...specs.map((spec) => read(spec)));

/** The title as written in the spec file, for a title that jest reports: that of a row of `each` contains its values. */
export function writtenTitle(titles, reported) {
  return titles.find(({ title }) => title === reported)?.title ?? titles.find(({ title }) => patternOf(title).test(reported))?.title;
}
function patternOf(title) {
  const parts = title.split(/%[sdijopf#]|\$[A-Za-z_][\w.]*|\.\.\./);
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*')}$`);
}

/**
 * The state of each mutant without running it: `killed` (the record is about this change, the text to find still exists, and so does the
 * test that failed), `open` (listed as not noticed), or `wrong` and why. `changed`: the file or a spec was changed since the run; the record
 * still counts, and `npm run mutate -- --changed` runs it again.
 * @returns {{ mutant: Mutant, state: 'killed' | 'open' | 'wrong', killedBy: Killer[], message?: string, changed: boolean }[]}
 */
export function judgeMutants(mutants, records, titles, read) {
  const byId = new Map(records.map((record) => [record.id, record]));
  return mutants.map((mutant) => {
    const record = byId.get(mutant.id);
    const not = (message) => ({ mutant, state: 'wrong', killedBy: [], message, changed: false });
    const text = read(mutant.file);
    if (text === undefined) return not(`${mutant.file} does not exist`);
    const at = placeOf(mutant, text);
    if (typeof at === 'string') return not(`the text to find ${at} ${mutant.file}`);
    if (mutant.open !== undefined) return { mutant, state: 'open', killedBy: [], message: mutant.open, changed: false };
    const missing = mutant.specs.find((spec) => read(spec) === undefined);
    if (missing) return not(`${missing} does not exist`);
    if (!record) return not('there is no record that a test noticed it');
    if (record.change !== changeOf(mutant)) return not('the record is about another change');
    const existing = record.killedBy.filter(({ test, title }) => titles.some((titled) => titled.file === test && titled.title === title));
    if (existing.length === 0)
      return not(`the test that noticed it no longer exists: ${record.killedBy.map(({ title }) => title).join('; ')}`);
    return { mutant, state: 'killed', killedBy: existing, changed: record.source !== sourceOf(mutant, read) };
  });
}

export const namesRow = (title, row) => new RegExp(`\\b${row.replace('.', '\\.')}\\b`).test(title);

/** Tests that noticed a mutant of the row and name the row. */
export const killersFor = (row, { mutant, state, killedBy }) =>
  state === 'killed' && mutant.rows.includes(row) ? killedBy.filter(({ title }) => namesRow(title, row)) : [];
