/** Rules for every file of the repository: no paths of the author's machine, no registry hosts, and meaningful names. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const workspace = path.resolve(import.meta.dirname, '../..');
const excluded = new Set(['node_modules', 'dist', '.git', '.nx', '.readmit', '.readmit-kafka', '.cache', 'coverage']);

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(workspace, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (excluded.has(entry.name) || entry.name.endsWith('.log')) return [];
    return entry.isDirectory() ? filesBelow(file) : entry.isFile() ? [file] : [];
  });
}
const files = filesBelow('.');
const texts = files.filter((file) => !/\.(png|ico|woff2?|gz|zip|jar)$/.test(file));
const finding = (pattern: RegExp, among: readonly string[]) =>
  among.flatMap((file) => {
    const found = pattern.exec(readFileSync(path.join(workspace, file), 'utf8'));
    return found ? [`${file}: ${found[0]}`] : [];
  });

// Joined from parts, so that this file does not contain what it looks for.
const machinePath = new RegExp(`(?<![\\w.}>/~-])/(?:${['work/(?:main|shared)', 'root/', 'home/[a-z]', 'Users/[A-Za-z]'].join('|')})`);
const registryHost = new RegExp(
  [
    'registry.npm' + 'js.org',
    'registry.yarn' + 'pkg.com',
    'npm.pkg.' + 'github.com',
    'repo1?.maven',
    'js' + 'frog',
    'artifact' + 'ory',
  ].join('|'),
  'i',
);
const forbidden = ['common', 'shared', 'utils', 'util', 'helpers', 'helper', 'misc', 'base', 'core', 'manager', 'impl'];

describe('no file', () => {
  it('contains a path of the machine on which it was written', () => {
    expect(machinePath.test(`see ${'/home'}/ada/notes`)).toBe(true);
    expect(machinePath.test('GET /api/home/ada')).toBe(false);
    expect(finding(machinePath, texts)).toEqual([]);
  });

  it('contains the host of a package registry', () => {
    expect(registryHost.test(`https://registry.${'npmjs'}.org/pg`)).toBe(true);
    expect(finding(registryHost, texts)).toEqual([]);
  });

  it('has a meaningless name', () => {
    // tsconfig.base.json: the part before the first dot is the name, the rest is its role.
    const named = (file: string) =>
      file.split('/').some((part) => {
        const words = (part.replace(/^\./, '').split('.')[0] ?? '').toLowerCase().split(/[-_]/);
        return words.some((word) => forbidden.includes(word));
      });
    expect(named('libs/store/src/sql-helpers.ts')).toBe(true);
    expect(named('libs/contracts/src/based-on.ts')).toBe(false);
    expect(files.filter(named)).toEqual([]);
  });
});

describe('no class or interface', () => {
  it('has the suffix Impl or the prefix I', () => {
    const pattern = /\b(?:class|interface) (?:\w+Impl|I[A-Z][a-z]\w*)\b/;
    expect(pattern.test('class StoreImpl')).toBe(true);
    expect(pattern.test('interface Identity')).toBe(false);
    expect(
      finding(
        pattern,
        texts.filter((file) => file.endsWith('.ts') && !file.endsWith('names.spec.ts')),
      ),
    ).toEqual([]);
  });
});
