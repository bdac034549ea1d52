/**
 * docs/generated/where-rules-are.md: for each clause of each requirement the lines that decide it. A line comes from a mutant that a test
 * noticed, or from a pointer (tests/mutants/places.json), which is only checked to exist. Lines have no number: every edit above them would
 * change the page. The function and a text that occurs once in the file are enough to find them.
 */
import ts from 'typescript';

/** @typedef {{ file: string, find: string, replace?: string }} Change `replace`: absent for a pointer */
/** @typedef {{ file: string, within: string, line: string }} Place `within`: '' outside of any declaration, or not TypeScript */
/** @typedef {{ clauses: string[], file: string, find: string, means: string }} Pointer a line that decides a clause and has no mutant */
/** @typedef {Place & { means: string[], ids: string[] }} Entry `ids`: the mutants of the line; none: a pointer */

/**
 * The first line that the change alters, or the first one of a pointer, with the declaration around it. Throws when that line occurs more
 * than once in the file: a reader who searches for it would find the wrong one.
 * @returns {Place}
 */
export function placeOf({ file, find, replace }, text) {
  const at = text.indexOf(find);
  if (at < 0) throw new Error(`the text to find is not in ${file}`);
  if (text.includes(find, at + 1)) throw new Error(`the text to find is more than once in ${file}`);
  const offset = at + firstChange(find.split('\n'), replace?.split('\n'));
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const line = text.slice(start, end < 0 ? undefined : end).trim();
  if (text.split(line).length > 2)
    throw new Error(
      `its first changed line occurs more than once in ${file}: "${line}". Let "find" begin to differ at a line that occurs once`,
    );
  const within = /\.m?ts$|\.mjs$/.test(file) ? declarationAt(file, text, offset + text.slice(offset).search(/\S/)) : '';
  return { file, within, line };
}

/** Where in the joined lines the first one that differs begins; blank lines cannot be shown, so the next one counts. */
function firstChange(find, replace) {
  let index = 0;
  while (index < find.length - 1 && find[index] === replace?.[index]) index++;
  while (index < find.length - 1 && find[index].trim() === '') index++;
  return find.slice(0, index).reduce((sum, line) => sum + line.length + 1, 0);
}

/** `function`, `Class.method`, `constant.entry`, from the outside in. */
function declarationAt(file, text, offset) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const names = [];
  const visit = (node) => {
    if (offset < node.getStart(source) || offset >= node.end) return;
    const name = nameOf(node)?.getText(source);
    if (name !== undefined) names.push(name);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names.join('.').replaceAll(/\.'([^']*)'/g, "['$1']");
}

function nameOf(node) {
  if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) return node.name;
  if (ts.isMethodDeclaration(node) || ts.isTypeAliasDeclaration(node)) return node.name;
  // A value inside a function has a name, too, but nobody would look for it.
  if (ts.isVariableStatement(node)) {
    const [first] = node.declarationList.declarations;
    return isOfFile(node) || isFunction(first.initializer) ? first.name : undefined;
  }
  if (!ts.isPropertyAssignment(node)) return undefined;
  return isFunction(node.initializer) || isOfFile(statementOf(node.parent)) ? node.name : undefined;
}
const isFunction = (node) => node !== undefined && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));
const isOfFile = (node) => node !== undefined && ts.isSourceFile(node.parent);
/** The statement whose value the object is, not an object inside it. */
function statementOf(object) {
  let at = object.parent;
  while (ts.isAsExpression(at) || ts.isSatisfiesExpression(at)) at = at.parent;
  return ts.isVariableDeclaration(at) ? at.parent.parent : undefined;
}

/** The list of pointers. Throws with every mistake. @returns {Pointer[]} */
export function readPointers(text) {
  const fields = ['rows', 'file', 'find', 'means'];
  const entries = JSON.parse(text);
  const wrong = entries.filter(
    (entry) =>
      Object.keys(entry).toSorted().join() !== fields.toSorted().join() ||
      ['file', 'find', 'means'].some((key) => typeof entry[key] !== 'string' || entry[key] === '') ||
      !Array.isArray(entry.rows) ||
      entry.rows.length === 0,
  );
  if (wrong.length > 0)
    throw new Error(wrong.map((entry) => `tests/mutants/places.json: ${JSON.stringify(entry)} must have ${fields.join(', ')}`).join('\n'));
  return entries.map(({ rows, file, find, means }) => ({ clauses: rows, file, find, means }));
}

/**
 * What decides each clause: first the mutants of its own row, then those of other rows, then pointers, each in the order of the lists.
 * A line that two of them name stands there once.
 * @returns {{ places: Map<string, Entry[]>, wrong: string[] }} by the name of the clause; `wrong`: what is listed and cannot be shown
 */
export function placesOf(rows, judged, pointers, read) {
  const places = new Map(rows.flatMap(({ clauses }) => clauses.map(({ name }) => [name, []])));
  const wrong = [];
  const add = (clause, change, id) => {
    const entries = places.get(clause);
    if (!entries) return void wrong.push(noClause(rows, clause, id ?? `the pointer to ${change.file}`));
    const text = read(change.file);
    if (text === undefined) return void wrong.push(`the pointer to ${change.file}: the file is not there`);
    try {
      const place = placeOf(change, text);
      const there = entries.find(({ file, line }) => file === place.file && line === place.line);
      const entry = there ?? { ...place, means: [], ids: [] };
      if (!there) entries.push(entry);
      if (!entry.means.includes(change.means)) entry.means.push(change.means);
      if (id !== undefined) entry.ids.push(id);
    } catch (error) {
      wrong.push(`${id ?? 'a pointer'}: ${error.message}`);
    }
  };
  const noticed = judged.filter(({ state }) => state === 'killed').map(({ mutant }) => mutant);
  const isOwn = ({ id }, clause) => id.startsWith(clause.split(' ')[0]) && !/^\d/.test(id.slice(clause.split(' ')[0].length));
  for (const own of [true, false])
    for (const mutant of noticed) for (const clause of mutant.clauses) if (isOwn(mutant, clause) === own) add(clause, mutant, mutant.id);
  for (const pointer of pointers) for (const clause of pointer.clauses) add(clause, pointer);
  return { places, wrong: [...new Set(wrong)] };
}

function noClause(rows, clause, what) {
  const row = rows.find(({ id }) => id === clause.split(' ')[0]);
  return row && row.clauses.length > 1
    ? `${what} names ${clause}, which has ${row.clauses.length} clauses: name one in "rows", like "${row.clauses[0].name}"`
    : `${what} names ${clause}, which docs/requirements.md does not have`;
}

/** docs/generated/where-rules-are.md. `missing`: clauses that nothing decides (requirement-rows.mjs). */
export function renderPlaces(rows, places, missing) {
  const lines = [
    '# Where each requirement is decided',
    '',
    'Generated by `node tools/requirements.mjs --write` from docs/requirements.md and tests/mutants. Do not edit.',
    '',
    'For each clause of a requirement the lines that decide it, the one to read first on top: file, function, and the line, whose text occurs',
    'once in the file. In brackets the mutants: the line was taken out or changed in that way, and a test failed. A line without one is a',
    'pointer, which is only checked to exist. Rows that nothing decides yet are left out.',
  ];
  for (const { id, rule, clauses } of rows) {
    if (clauses.every(({ name }) => places.get(name).length === 0)) continue;
    lines.push('', `## ${id}`, '', rule);
    for (const { name, text } of clauses) {
      lines.push('', ...(clauses.length > 1 ? [`**${name.slice(id.length + 1)}** ${text}`, ''] : []));
      const gap = missing.find(({ clause }) => clause === name);
      if (gap) lines.push(`- **Not decided yet:** ${gap.missing}`);
      lines.push(...places.get(name).map(placeLine));
    }
  }
  return `${lines.join('\n')}\n`;
}

function placeLine({ file, within, line, means, ids }) {
  const where = within === '' ? '' : `, \`${within}\``;
  // Two backticks and blanks: the line may have single ones itself.
  const what = ids.length === 0 ? means.join('; ') : `without it: ${means.join('; ')} (${ids.join(', ')})`;
  return `- [${file}](../../${file})${where}: \`\` ${line} \`\`<br>${what}`;
}
