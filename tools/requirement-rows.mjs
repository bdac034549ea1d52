/**
 * docs/requirements.md: the rows of its tables, their clauses, and the clauses that nothing decides yet (its section "In part").
 * A rule with several clauses numbers them in its text: "(1) An approval is bound to ..., (2) and is signed".
 */

/** @typedef {{ name: string, text: string }} Clause `name`: `R4.4 (2)`, or the id of a row that has one clause only */
/** @typedef {{ id: string, group: string, rule: string, clauses: Clause[] }} Row `rule` is Markdown as it stands in the table */
/** @typedef {{ clause: string, missing: string, comesWith: string }} Missing */

const inPart = 'In part';

/** Rows of the tables, in order. Throws on an id that appears twice and on clauses that are not numbered from 1. */
export function readRows(markdown) {
  const rows = [];
  for (const { group, cells } of tableLines(markdown)) {
    const [id, rule] = cells;
    if (group === inPart || cells.length !== 2 || !/^R\d+\.\d+$/.test(id)) continue;
    if (rows.some((row) => row.id === id)) throw new Error(`docs/requirements.md: ${id} appears twice`);
    rows.push({ id, group, rule, clauses: clausesOf(id, rule) });
  }
  return rows;
}

/** @returns {Missing[]} what the section "In part" lists */
export const readMissing = (markdown) =>
  tableLines(markdown).flatMap(({ group, cells: [clause, missing, comesWith] }) =>
    group === inPart && /^R\d/.test(clause) ? [{ clause, missing, comesWith }] : [],
  );

/** Cells of each table line below a heading. A pipe inside a cell is escaped, as Markdown has it. */
function tableLines(markdown) {
  let group = '';
  return markdown.split('\n').flatMap((line) => {
    group = /^## (.+)$/.exec(line)?.[1] ?? group;
    const [, inside] = /^\|(.+)\|\s*$/.exec(line) ?? [];
    return inside === undefined ? [] : [{ group, cells: inside.split(/(?<!\\)\|/).map((cell) => cell.trim()) }];
  });
}

function clausesOf(id, rule) {
  const parts = rule.split(/\((\d+)\) /).slice(1);
  const clauses = [];
  for (let at = 0; at < parts.length; at += 2) {
    if (Number(parts[at]) !== clauses.length + 1)
      throw new Error(`docs/requirements.md: the clauses of ${id} are not numbered (1), (2), ...`);
    clauses.push({ name: `${id} (${parts[at]})`, text: parts[at + 1].replace(/^and |[\s,;:.]*(?:\band)?[\s,;:.]*$/g, '') });
  }
  return clauses.length === 0 ? [{ name: id, text: rule }] : clauses;
}
