/** Code blocks of the documents, for tests that run them verbatim. tests/repository/code-blocks.spec.ts checks that each one is run. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface CodeBlock {
  /** The nearest preceding heading, of any level. */
  readonly heading: string;
  /** Its number below that heading, from 1. */
  readonly nth: number;
  readonly language: string;
  readonly text: string;
}

const root = path.resolve(import.meta.dirname, '../../..');

/** All fenced blocks, in order. */
export function blocksIn(markdown: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let heading = '';
  for (const [, title, language = '', text = ''] of markdown.matchAll(/^#+ (.+)$|^```(.*)\n([^]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else blocks.push({ heading, nth: blocks.filter((one) => one.heading === heading).length + 1, language, text });
  }
  return blocks;
}

/** The text of one block. @throws {Error} if the document has no such block. */
export function blockOf(document: string, heading: string, nth = 1): string {
  const found = blocksIn(readFileSync(path.join(root, document), 'utf8')).find((one) => one.heading === heading && one.nth === nth);
  if (!found) throw new Error(`${document} has no code block ${nth} below "${heading}"`);
  return found.text;
}
