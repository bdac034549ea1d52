/**
 * Each block of code in README and docs is run by a test, or stands here with the reason why not. A test claims a block by reading its text
 * with `blockOf`, so no copy of it can go stale. Not here: whether that test does with it what it should; docs/events.md is generated.
 */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { blocksIn } from '@readmit/testing';

const picture = 'a picture';
const notRun: Readonly<Record<string, string>> = {
  'README.md, Readmit, 1': picture,
  'ARCHITECTURE.md, Architecture, 1': picture,
  'README.md, Two commands, 1':
    'npm test would run itself; what npm start starts is played in tests/journey/tour.journey.spec.ts, without installing and building again',
  'docs/operations.md, Docker Compose, 1':
    'needs a Docker engine; npm run validate:deploy asks docker compose and the programs in the containers about the same files',
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

describe('the blocks of code of README and docs', () => {
  const blocks = documents.flatMap((document) => blocksOf(document, readFileSync(document, 'utf8')));
  const claims = new Set(
    globSync(['tests/**/*.ts', 'apps/*/{src,test}/**/*.ts', 'libs/*/{src,test}/**/*.ts'])
      .filter((file) => !file.endsWith('code-blocks.spec.ts'))
      .flatMap((file) => claimsIn(readFileSync(file, 'utf8'))),
  );

  it('are each read by a test, or have a reason why not, and not both', () => {
    expect(blocks.length).toBeGreaterThan(20);
    // Fences of another form would be overlooked.
    for (const document of documents) expect(readFileSync(document, 'utf8')).not.toMatch(/^[ \t]+```|^ *~~~/m);
    expect([...claims, ...Object.keys(notRun)].toSorted()).toEqual(blocks.toSorted());
  });

  it('are found, and their claims too: another block, and a claim that is none', () => {
    const page = '# One\n\n```sh\nls\n```\n\n## Two\n\n```json\n{}\n```\n\n```sh\n# no heading\npwd\n```\n';
    expect(blocksOf('a.md', page)).toEqual(['a.md, One, 1', 'a.md, Two, 1', 'a.md, Two, 2']);
    expect(claimsIn("blockOf('a.md', 'Two', 2); blockOf(\n  'a.md',\n  'One',\n); blockOf(document, 'Two')")).toEqual([
      'a.md, Two, 2',
      'a.md, One, 1',
    ]);
  });
});
