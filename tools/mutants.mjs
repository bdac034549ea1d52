/**
 * Named mutants: changes of the product that must be noticed. `tests/mutants/r*.json` lists them, `npm run mutate` makes each of them
 * in a copy and keeps in `tests/mutants/killed.json` which test failed of it, `npm run requirements` counts what is kept there.
 */
import { createHash } from 'node:crypto';
import ts from 'typescript';

/**
 * @typedef {{ id: string, rows: string[], clauses: string[], file: string, find: string, replace: string, specs: string[], means: string, open?: string }} Mutant
 * `clauses`: what the list has as `rows`, such as `R4.4` or one clause of it, `R4.4 (2)`; `rows`: their rows. `open`: why no test notices it
 * yet; such a mutant is no proof of anything.
 */
/** @typedef {{ test: string, title: string }} Killer the spec file, and the title as it is written there */
/** @typedef {{ id: string, change: string, source: string, killedBy: Killer[] }} MutantRecord */
/** @typedef {{ file: string, title: string, ids: string[] }} Titled */

const words = {
  id: 'string',
  rows: 'array',
  file: 'string',
  find: 'text',
  replace: 'text',
  specs: 'array',
  means: 'string',
  open: 'string',
};

/** What the files list, in order. Throws with every mistake: a list that is half read would look like one without gaps. */
export function readMutants(files) {
  const wrong = [];
  const mutants = [];
  for (const { name, text } of files) {
    for (const entry of JSON.parse(text)) {
      const says = (what) => wrong.push(`${name}: ${entry.id ?? JSON.stringify(entry).slice(0, 80)}: ${what}`);
      for (const key of Object.keys(entry)) if (!Object.hasOwn(words, key)) says(`"${key}" is no field`);
      for (const [key, kind] of Object.entries(words)) {
        if (key === 'open' && entry.open === undefined) continue;
        if (!isOf(kind, entry[key]))
          says(
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

/** The text with the change made. Throws when the place is not there, not the only one, or the result is not TypeScript. */
export function mutated({ id, file, find, replace }, text) {
  const at = placeOf({ find }, text);
  if (typeof at === 'string') throw new Error(`${id}: the text to find ${at} in ${file}`);
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
  if (at < 0) return 'is not';
  return text.includes(find, at + 1) ? 'is more than once' : at;
}

const digest = (...parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
/** Stands for the change itself: a mutant that was edited is another one. */
export const changeOf = ({ file, find, replace }) => digest(file, find, replace);
/** Stands for everything that the outcome was seen with; `read` gives the text of a file. */
export const sourceOf = ({ file, specs }, read) => digest(read(file), ...specs.map((spec) => read(spec)));

/** The title as it is written in the spec file for one as jest reports it: a row of `each` has its values in place. */
export function writtenTitle(titles, reported) {
  return titles.find(({ title }) => title === reported)?.title ?? titles.find(({ title }) => patternOf(title).test(reported))?.title;
}
function patternOf(title) {
  const parts = title.split(/%[sdijopf#]|\$[A-Za-z_][\w.]*|\.\.\./);
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*')}$`);
}

/**
 * What may be said of each mutant today, without running it: `killed` (the record is about this change, its place is there, and the
 * test that failed is still there), `open` (listed as not noticed), or what is wrong. `changed`: the file or a spec is another than
 * at the run; the record still counts, and `npm run mutate -- --changed` looks again.
 * @returns {{ mutant: Mutant, state: 'killed' | 'open' | 'wrong', killedBy: Killer[], says?: string, changed: boolean }[]}
 */
export function judgeMutants(mutants, records, titles, read) {
  const byId = new Map(records.map((record) => [record.id, record]));
  return mutants.map((mutant) => {
    const record = byId.get(mutant.id);
    const not = (says) => ({ mutant, state: 'wrong', killedBy: [], says, changed: false });
    const text = read(mutant.file);
    if (text === undefined) return not(`${mutant.file} is not there`);
    const at = placeOf(mutant, text);
    if (typeof at === 'string') return not(`the text to find ${at} in ${mutant.file}`);
    if (mutant.open !== undefined) return { mutant, state: 'open', killedBy: [], says: mutant.open, changed: false };
    const gone = mutant.specs.find((spec) => read(spec) === undefined);
    if (gone) return not(`${gone} is not there`);
    if (!record) return not('was never seen to be noticed');
    if (record.change !== changeOf(mutant)) return not('is another change than the one that was noticed');
    const there = record.killedBy.filter(({ test, title }) => titles.some((titled) => titled.file === test && titled.title === title));
    if (there.length === 0) return not(`the test that noticed it is not there: ${record.killedBy.map(({ title }) => title).join('; ')}`);
    return { mutant, state: 'killed', killedBy: there, changed: record.source !== sourceOf(mutant, read) };
  });
}

export const namesRow = (title, row) => new RegExp(`\\b${row.replace('.', '\\.')}\\b`).test(title);

/** Tests that noticed a mutant of the row and name the row. */
export const killersFor = (row, { mutant, state, killedBy }) =>
  state === 'killed' && mutant.rows.includes(row) ? killedBy.filter(({ title }) => namesRow(title, row)) : [];
