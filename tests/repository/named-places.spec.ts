/**
 * Every file, folder and test title that the guides name exists: in the tables of ARCHITECTURE.md, the life of a request, and the README
 * of each library and app. So when a file is moved, its row must be updated. Not checked here: whether the guide describes it correctly.
 */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const folders = ['apps', 'libs', 'tests', 'tools', 'deploy', 'docs', 'bench'];
const files = globSync(['*', ...folders.map((folder) => `${folder}/**/*`)], {
  exclude: (name) => name === 'node_modules' || name === 'dist',
});
const baseNames = new Set(files.map((file) => path.basename(file)));
const guides = ['ARCHITECTURE.md', 'docs/life-of-a-request.md', ...globSync(['apps/*/README.md', 'libs/*/README.md'])];

/** Code spans that name a place: a path from the root (in a README also from its own folder), or a mere file name. */
const namedIn = (markdown: string): readonly string[] =>
  [...markdown.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\s]+)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => /^(?:apps|libs|tests|tools|deploy|docs|bench)\/|^[\w.*/-]+\.(?:ts|mjs|yaml|yml|json|md|sql)$/.test(name));
const isPlace = (name: string, below: string): boolean =>
  name.includes('/')
    ? [name, path.posix.join(below, name), path.posix.join(below, 'src', name)].some((place) => globSync(place).length > 0)
    : name.includes('*')
      ? globSync(folders.map((folder) => `${folder}/**/${name}`)).length > 0
      : baseNames.has(name);
const missingIn = (markdown: string, below: string): readonly string[] => namedIn(markdown).filter((name) => !isPlace(name, below));

/** Pairs of file and title, written as `file.spec.ts` "a title". */
const titlesIn = (markdown: string): readonly (readonly [string, string])[] =>
  [...markdown.matchAll(/`([^`\s]+\.spec\.ts)` ["`]([^"`]+)["`]/g)].map(([, file = '', title = '']) => [file, title]);
const hasTitle = ([name, title]: readonly [string, string]): boolean =>
  files.some((file) => (file === name || path.basename(file) === name) && readFileSync(file, 'utf8').includes(title));

describe('what the guides name', () => {
  it.each(guides)('exists: %s', (guide) => {
    const text = readFileSync(guide, 'utf8');
    expect(namedIn(text).length).toBeGreaterThan(3);
    expect(missingIn(text, path.dirname(guide))).toEqual([]);
    expect(titlesIn(text).filter((one) => !hasTitle(one))).toEqual([]);
    const links = [...text.matchAll(/\]\(([^)#:]+)[^)]*\)/g)].map(([, target = '']) => path.posix.join(path.dirname(guide), target));
    expect(links.filter((link) => globSync(link).length === 0)).toEqual([]);
  });

  it('is reported if it does not exist: a folder, a file, a pattern, a title', () => {
    const page = 'See `libs/bus/src`, `libs/nowhere/src`, `index.ts`, `gone.ts`, `*-shapes.ts`, `*-ghosts.ts`, `src/index.ts`, `a word`.';
    expect(missingIn(page, 'libs/bus')).toEqual(['libs/nowhere/src', 'gone.ts', '*-ghosts.ts']);
    expect(titlesIn('`named-places.spec.ts` "what the guides name", `x.spec.ts` "nothing"').filter((one) => !hasTitle(one))).toEqual([
      ['x.spec.ts', 'nothing'],
    ]);
  });

  it('has a README for each library and app', () => {
    const projects = globSync(['apps/*/package.json', 'libs/*/package.json']).map((file) => path.dirname(file));
    expect(projects.filter((project) => globSync(`${project}/README.md`).length === 0)).toEqual([]);
  });
});
