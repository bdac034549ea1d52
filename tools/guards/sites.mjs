/**
 * The guards of the rules: conditions, each of their operands, and each event type that a service consumes. Finds them in a source and
 * rewrites it so that they can be switched off one at a time at run time, without compiling anything again.
 */
import ts from 'typescript';

/**
 * @typedef {{ file: string, within: string, text: string, kind: 'guard' | 'and' | 'or' | 'consumes', start: number, end: number }} Site
 * `within`: the function around it; `text`: the expression on one line. Switched off, a `guard` and an operand of `or` are false, an operand of
 * `and` is true, and a type of `consumes` is missing from the list.
 */

/** @returns {Site[]} in the order of the text */
export function guardSites(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  /** @type {Site[]} */
  const sites = [];
  const add = (kind, node) => {
    const start = node.getStart(source);
    sites.push({ file, within: nameOf(node), text: node.getText(source).replaceAll(/\s+/g, ' '), kind, start, end: node.end });
  };
  /** A chain of `&&` or `||` is split into its operands, which may be chains themselves; anything else is taken as a whole. */
  const condition = (node, whole) => {
    const inner = unwrapped(node);
    const operator = operatorOf(inner);
    if (operator === undefined) return void (whole && add(whole, inner));
    if (whole === 'guard' && operator === 'and') add('guard', inner);
    for (const operand of operandsOf(inner)) {
      add(operator, operand);
      condition(operand, undefined);
    }
  };
  const visit = (node) => {
    if (ts.isIfStatement(node)) condition(node.expression, 'guard');
    else if (ts.isConditionalExpression(node)) condition(node.condition, 'guard');
    else if (ts.isReturnStatement(node) && node.expression) condition(node.expression, undefined);
    else if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) condition(node.body, undefined);
    for (const entry of consumedBy(node)) if (ts.isStringLiteral(entry)) add('consumes', entry);
    ts.forEachChild(node, visit);
  };
  visit(source);
  sites.sort((a, b) => a.start - b.start || b.end - a.end);
  // The same condition twice in a function gets two names, because one may be noticed and the other not.
  const times = new Map();
  for (const site of sites) {
    const line = lineOf(site);
    times.set(line, (times.get(line) ?? 0) + 1);
    if (times.get(line) > 1) site.text += ` (${times.get(line)})`;
  }
  return sites;
}

const unwrapped = (node) => (ts.isParenthesizedExpression(node) ? unwrapped(node.expression) : node);

function operatorOf(node) {
  if (!ts.isBinaryExpression(node)) return undefined;
  if (node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken) return 'and';
  return node.operatorToken.kind === ts.SyntaxKind.BarBarToken ? 'or' : undefined;
}

function operandsOf(node) {
  const operator = operatorOf(node);
  return [node.left, node.right].flatMap((side) => (operatorOf(side) === operator ? operandsOf(side) : [side]));
}

/** The entries of `const consumes = [...]` or `consumes: [...]`, with or without `as const`; of anything else none. */
function consumedBy(node) {
  if (!(ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node)) || !/^consumes$|Consumes$/.test(node.name.getText())) return [];
  let list = node.initializer;
  while (list && (ts.isAsExpression(list) || ts.isSatisfiesExpression(list))) list = list.expression;
  return list && ts.isArrayLiteralExpression(list) ? list.elements : [];
}

/** The name of the nearest named function or declaration. */
function nameOf(node) {
  for (let at = node.parent; at; at = at.parent) {
    if ((ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at) || ts.isPropertyAssignment(at)) && at.name) return at.name.getText();
    if (ts.isVariableDeclaration(at) && ts.isSourceFile(at.parent.parent.parent)) return at.name.getText();
  }
  return 'the file';
}

/** The source with a switch at each site. `numberOf` returns the number by which a site is switched off. */
export function withSwitches(text, sites, numberOf) {
  const inserts = sites.flatMap((site) => {
    const off = `globalThis.readmitGuard(${numberOf(site)})`;
    const [before, after] = {
      guard: [`(!${off} && (`, '))'],
      or: [`(!${off} && (`, '))'],
      and: [`(${off} || (`, '))'],
      consumes: [`...(${off} ? [] : [`, '])'],
    }[site.kind];
    const length = site.end - site.start;
    return [
      // At the same position: ends before beginnings, inner ends and outer beginnings first.
      { at: site.start, order: 1e6 + (1e6 - length), text: before },
      { at: site.end, order: length, text: after },
    ];
  });
  inserts.sort((a, b) => b.at - a.at || b.order - a.order);
  return inserts.reduce((result, { at, text: added }) => result.slice(0, at) + added + result.slice(at), text);
}

/** A site as docs/mutants.md names it. */
export const lineOf = ({ file, within, kind, text }) => `\`${file}\` ${within}, ${kind} \`${text.replaceAll('`', "'")}\``;

/** The sites in docs/mutants.md, with the reasons. */
export const readSurvivors = (text) =>
  new Map([...text.matchAll(/^- (`[^`]+` [^`]+`[^`]+`): *(\S.*)$/gm)].map(([, line, reason]) => [line, reason]));
