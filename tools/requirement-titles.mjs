/**
 * Which requirements are done: rows (requirement-rows.mjs), mutants that were noticed (mutants.mjs), the lines that decide each clause
 * (rule-places.mjs), and titles from the syntax tree of every `*.spec.ts`. A grep would also count ids in comments, in commented-out tests and in strings.
 */
import ts from 'typescript';
import { killersFor } from './mutants.mjs';

/** @typedef {{ file: string, title: string, ids: string[] }} Titled */

/**
 * Titles of the tests that run, with those of `describe` in front. Tests that are skipped, todo or inside a skipped `describe` prove
 * nothing and are left out; so is a title that is not a literal.
 */
export function readTitles(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const titles = [];
  const visit = (node, path) => {
    const call = ts.isCallExpression(node) ? testCall(node) : undefined;
    if (!call) return ts.forEachChild(node, (child) => visit(child, path));
    if (call.off) return undefined;
    const inside = [...path, literal(node.arguments[0])];
    if (call.kind === 'describe') return ts.forEachChild(node, (child) => visit(child, inside));
    const title = inside.filter(Boolean).join(' ');
    titles.push({ file, title, ids: [...new Set(title.match(/\bR\d+\.\d+\b/g) ?? [])] });
    return undefined;
  };
  visit(source, []);
  return titles;
}

/** `it('...')`, `test.each(rows)('...')`, `describe.skip('...')`: what kind of block, and whether it is switched off. */
function testCall(node) {
  if (node.arguments.length === 0) return undefined;
  let callee = node.expression;
  if (ts.isCallExpression(callee)) callee = callee.expression;
  else if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag;
  else if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'each') return undefined;
  const words = [];
  while (ts.isPropertyAccessExpression(callee)) {
    words.push(callee.name.text);
    callee = callee.expression;
  }
  if (!ts.isIdentifier(callee)) return undefined;
  const name = callee.text;
  if (!/^[xf]?(it|test|describe)$/.test(name)) return undefined;
  return {
    kind: name.endsWith('describe') ? 'describe' : 'test',
    off: name.startsWith('x') || words.some((word) => word === 'skip' || word === 'todo'),
  };
}

function literal(node) {
  if (!node) return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) return [node.head.text, ...node.templateSpans.map((span) => `...${span.literal.text}`)].join('');
  if (ts.isBinaryExpression(node)) return literal(node.left) + literal(node.right);
  return '';
}

/**
 * @param {{ mutant: { id: string, rows: string[] }, killedBy: { test: string, title: string }[] }[]} judged mutants (tools/mutants.mjs)
 * @returns `missing`: due rows without a mutant that a test naming the row noticed; `kills`: the mutants and tests of each row
 */
export function matchRows(rows, titles, judged, due) {
  const tests = new Map(rows.map((row) => [row.id, []]));
  const kills = new Map(rows.map((row) => [row.id, []]));
  const unknown = [];
  for (const titled of titles) {
    for (const id of titled.ids) {
      if (tests.has(id)) tests.get(id).push(titled);
      else unknown.push({ ...titled, ids: [id] });
    }
  }
  for (const one of judged) {
    for (const id of one.mutant.rows) {
      const killers = killersFor(id, one);
      if (!kills.has(id)) unknown.push({ file: 'tests/mutants', title: one.mutant.id, ids: [id] });
      else if (killers.length > 0) kills.get(id).push({ id: one.mutant.id, means: one.mutant.means, killers });
    }
  }
  const strange = due.filter((id) => !tests.has(id));
  if (strange.length > 0)
    throw new Error(`docs/requirements.json lists rows that docs/requirements.md does not have: ${strange.join(', ')}`);
  return { tests, kills, unknown, missing: due.filter((id) => kills.get(id).length === 0) };
}

/**
 * How far each row is. `open`: no mutant of it was noticed. `in part`: one was, and a clause is listed as missing. `done`: one was, and each
 * clause has a line that decides it.
 * @returns {{ states: Map<string, { state: 'open' | 'in part' | 'done', missing: Missing[] }>, wrong: string[] }} `wrong`: clauses of which
 * neither is true, or both
 */
export function statesOf(rows, kills, places, missing) {
  const states = new Map();
  const wrong = [];
  for (const { id, clauses } of rows) {
    const gaps = missing.filter(({ clause }) => clauses.some(({ name }) => name === clause));
    const state = kills.get(id).length === 0 ? 'open' : gaps.length > 0 ? 'in part' : 'done';
    states.set(id, { state, missing: gaps });
    if (state === 'open' && gaps.length > 0) wrong.push(`${gaps[0].clause} is listed as missing, but the whole row is open`);
    if (state === 'open') continue;
    for (const { name, text } of clauses) {
      const listed = gaps.some(({ clause }) => clause === name);
      const [place] = places.get(name);
      if (listed && place)
        wrong.push(`${name} is listed as missing, but ${place.file} decides it: take it out of "In part" in docs/requirements.md`);
      if (!listed && !place)
        wrong.push(
          `no line decides ${name} (${text}): name one in tests/mutants, or list the clause under "In part" in docs/requirements.md`,
        );
    }
  }
  const names = rows.flatMap(({ clauses }) => clauses.map(({ name }) => name));
  wrong.push(
    ...missing.filter(({ clause }) => !names.includes(clause)).map(({ clause }) => `"In part" lists ${clause}, which is no clause`),
  );
  return { states, wrong };
}

export const countOf = (states, state) => [...states.values()].filter((one) => one.state === state).length;

/** docs/generated/requirements.md. */
export function renderRequirements(rows, { tests, kills }, states, due) {
  const lines = [
    '# Requirements and the tests that prove them',
    '',
    'Generated by `node tools/requirements.mjs --write` from docs/requirements.md, tests/mutants and the titles of the tests. Do not edit.',
    '',
    `${countOf(states, 'done')} of ${rows.length} rows are done: the rule was taken out of the product (a mutant, tests/mutants), the test named behind it failed,`,
    'and each clause of the row has a line that decides it (where-rules-are.md). That does not say that a test would notice the absence of each',
    `clause. ${countOf(states, 'in part')} rows are done in part: a clause has no such line, and the row says which. ${due.length} rows are due in this release.`,
    'Tests of an open row carry its id, and nobody has shown that they would notice its absence.',
  ];
  let group = '';
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group;
      lines.push(
        '',
        `## ${group}`,
        '',
        '| id | rule | due | state | noticed when taken out | tests that name it |',
        '| --- | --- | --- | --- | --- | --- |',
      );
    }
    const cell = (text) => text.replaceAll('|', '\\|');
    const { state, missing } = states.get(row.id);
    const gaps = missing.map(({ clause, missing: what, comesWith }) => `${clause}: ${what} Comes with: ${comesWith}`);
    const noticed = kills.get(row.id).map(({ id, means, killers }) => `${id} ${means}: *${killers[0].title}* (${killers[0].test})`);
    // Only titles, each once: with line numbers or counts every edit of a test would change this file.
    const titles = [...new Set(tests.get(row.id).map((one) => `${one.title} (${one.file})`))].sort();
    const cells = [row.id, row.rule, due.includes(row.id) ? 'yes' : '', [state, ...gaps].join('<br>')];
    lines.push(`| ${[...cells, noticed.map(cell).join('<br>'), titles.map(cell).join('<br>')].join(' | ')} |`);
  }
  return `${lines.join('\n')}\n`;
}
