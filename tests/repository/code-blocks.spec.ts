/**
 * Each code block in README and docs is run by a test, or listed here with the reason why not. A test claims a block by reading its text
 * with `blockOf`, so there is no copy that could become outdated. Not checked here: what that test does with it; docs/events.md is generated.
 */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { blocksIn } from '@readmit/testing';

const diagram = 'a diagram';
const notRun: Readonly<Record<string, string>> = {
  'README.md, Readmit, 1': diagram,
  'ARCHITECTURE.md, Architecture, 1': diagram,
  'README.md, Two commands, 1':
    'npm test would run itself; tests/journey/tour.journey.spec.ts runs what npm start starts, without installing and building again',
  'docs/operations.md, Docker Compose, 1':
    'needs a Docker engine; npm run validate:deploy checks the same files with docker compose and the programs in the containers',
};

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', ...globSync('docs/*.md')].filter(
  (file) => file !== 'docs/events.md',
);
const blocksOf = (document: string, markdown: string): readonly string[] =>
  blocksIn(markdown).map(({ heading, nth }) => `${document}, ${heading}, ${nth}`);
const claimsIn = (source: string): readonly string[] =>
  [...source.matchAll(/\bblockOf\(\s*'([^']+)',\s*'([^']+)'(?:,\s*(\d+))?,?\s*\)/g)].map(
    ([, document, heading, nth = '1']) => `${document}, ${heading}, ${nth}`,
  );

describe('the code blocks in README and docs', () => {
  const blocks = documents.flatMap((document) => blocksOf(document, readFileSync(document, 'utf8')));
  const claims = new Set(
    globSync(['tests/**/*.ts', 'apps/*/{src,test}/**/*.ts', 'libs/*/{src,test}/**/*.ts'])
      .filter((file) => !file.endsWith('code-blocks.spec.ts'))
      .flatMap((file) => claimsIn(readFileSync(file, 'utf8'))),
  );

  it('are each read by a test or listed with a reason, not both', () => {
    expect(blocks.length).toBeGreaterThan(20);
    // Fences in another form would be missed.
    for (const document of documents) expect(readFileSync(document, 'utf8')).not.toMatch(/^[ \t]+```|^ *~~~/m);
    expect([...claims, ...Object.keys(notRun)].toSorted()).toEqual(blocks.toSorted());
  });

  it('and their claims are found, and nothing else', () => {
    const page = '# One\n\n```sh\nls\n```\n\n## Two\n\n```json\n{}\n```\n\n```sh\n# no heading\npwd\n```\n';
    expect(blocksOf('a.md', page)).toEqual(['a.md, One, 1', 'a.md, Two, 1', 'a.md, Two, 2']);
    expect(claimsIn("blockOf('a.md', 'Two', 2); blockOf(\n  'a.md',\n  'One',\n); blockOf(document, 'Two')")).toEqual([
      'a.md, Two, 2',
      'a.md, One, 1',
    ]);
  });
});
