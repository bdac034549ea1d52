/**
 * Words and phrases that lint refuses, each with its replacement: a platform engineer should be able to guess the words to search for.
 * Checked in every hand-written Markdown file (tools/lint.mjs), and in comments and strings of the code below `code`
 * (eslint.config.mjs). When another folder is free of them, add it to `code`.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** @type {Readonly<Record<string, string>>} */
export const words = {
  anew: 'again, from scratch',
  'for ever': 'forever, permanently',
  seldom: 'rarely',
  whoever: 'anyone who, the person who',
  whosoever: 'anyone who',
  'the house': 'the repository, the system',
  'this house': 'this repository, this system',
  'nobody has heard': 'not published, not known',
  hears: 'consumes, receives',
  'of ours': 'our, or the name of the part',
  'of theirs': 'their',
  beside: 'next to, compared to, in addition to',
  'her own': 'their own (unless a named person)',
  herself: 'themselves (unless a named person)',
  dearer: 'more expensive',
  mend: 'fix',
  mends: 'fixes',
  mended: 'fixed',
  'in the midst': 'during',
  'goes on': 'continues, resumes',
  nudge: 'remind',
  nudges: 'reminds',
  nudged: 'reminded',
  stirred: 'changed',
  'is told of': 'is described in, is notified of',
  'has its room': 'is located',
  'all the same': 'still, anyway',
  'heard of': 'received, knows',
  'lets go': 'releases',
  'let go': 'released',
  'comes to nothing': 'fails, is not carried out',
  'came to nothing': 'failed, was not carried out',
  'put on record': 'recorded',
  'puts on record': 'records',
};

/** Code in which they are refused. */
export const code = [
  'apps/**/*.ts',
  'bench/**/*.ts',
  'libs/{bus,connectors,contracts,domain,platform,runtime,servers,service,signing,store,testing}/**/*.ts',
  'tests/**/*.ts',
  'tools/**/*.mjs',
  '*.mjs',
];
/** Hand-written documents, without docs/events.md, which is generated. */
const documents = ['*.md', 'docs/*.md', 'docs/adr/*.md', 'apps/*/*.md', 'libs/*/*.md'];

/** A phrase may continue on the next line, also in a comment with stars. */
const pattern = new RegExp(`\\b(?:${Object.keys(words).join('|')})\\b`.replaceAll(' ', '[\\s*/]+'), 'gi');

/** @param {string} text @returns {readonly { readonly at: number, readonly message: string }[]} refused words and where they begin */
export function wordsIn(text) {
  return [...text.matchAll(pattern)].map(({ 0: found, index }) => {
    const word = found.toLowerCase().replaceAll(/[\s*/]+/g, ' ');
    return { at: index, message: `"${word}": write ${words[word]}` };
  });
}

/** @param {string} markdown @returns {readonly string[]} `<line>: <message>`; code blocks and code spans may contain anything */
export function wordsInMarkdown(markdown) {
  const blank = (/** @type {string} */ quoted) => quoted.replaceAll(/[^\n]/g, ' ');
  const prose = markdown.replaceAll(/^```.*?^```$/gms, blank).replaceAll(/`[^`\n]*`/g, blank);
  return wordsIn(prose).map(({ at, message }) => `${prose.slice(0, at).split('\n').length}: ${message}`);
}

/** @param {string} root @returns {readonly string[]} `<file>:<line>: <message>` of every document */
export function wordsInDocuments(root) {
  return globSync(documents, { cwd: root })
    .filter((file) => file !== 'docs/events.md')
    .sort()
    .flatMap((file) => wordsInMarkdown(readFileSync(path.join(root, file), 'utf8')).map((one) => `${file}:${one}`));
}

/** @type {import('eslint').Rule.RuleModule} The same for comments and strings of code. */
export const rule = {
  meta: { type: 'suggestion', schema: [], messages: { refused: '{{message}}' } },
  create(context) {
    const check = (node, text) => {
      for (const { message } of wordsIn(text)) context.report({ node, messageId: 'refused', data: { message } });
    };
    return {
      Program: () => context.sourceCode.getAllComments().forEach((comment) => check(comment, comment.value)),
      Literal: (node) => typeof node.value === 'string' && check(node, node.value),
      TemplateElement: (node) => check(node, node.value.raw),
    };
  },
};
