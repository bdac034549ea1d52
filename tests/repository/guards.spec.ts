import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { guardSites, lineOf, readSurvivors, withSwitches } from '../../tools/guards/sites.mjs';

const source = `
export function refuse(person: { vendor: boolean; teams: string[]; level: number }, least: number): string | undefined {
  if (person.vendor) return 'vendor';
  if (person.level < least || person.teams.length === 0) {
    return 'not-in-team';
  }
  return undefined;
}
export const serves = (person: { teams: string[]; level: number }, least: number) => person.level >= least && person.teams.includes('ops');
export const consumes = ['a', 'b'] as const;
`;
const sites = guardSites('rule.ts', source);
const found = sites.map(({ kind, within, text }) => [kind, within, text]);

/** The exports of the source, with one guard switched off. */
function running(off: number) {
  const text = withSwitches(source, sites, (site) => sites.indexOf(site));
  const module = { exports: {} as Record<string, never> };
  const script = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  }).outputText;
  new Function('module', 'exports', 'globalThis', script)(module, module.exports, { readmitGuard: (number: number) => number === off });
  return module.exports as unknown as {
    refuse(person: object, least: number): string | undefined;
    serves(person: object, least: number): boolean;
    consumes: readonly string[];
  };
}
const numberOf = (text: string) => found.findIndex(([, , one]) => one === text);

describe('the guards of a source', () => {
  it('are conditions, operands of conditions, and consumed types', () => {
    expect(found).toEqual([
      ['guard', 'refuse', 'person.vendor'],
      ['or', 'refuse', 'person.level < least'],
      ['or', 'refuse', 'person.teams.length === 0'],
      ['and', 'serves', 'person.level >= least'],
      ['and', 'serves', "person.teams.includes('ops')"],
      ['consumes', 'consumes', "'a'"],
      ['consumes', 'consumes', "'b'"],
    ]);
  });
  it('change nothing while all of them are on', () => {
    const { refuse, serves, consumes } = running(-1);
    expect(refuse({ vendor: true, teams: ['ops'], level: 2 }, 2)).toBe('vendor');
    expect(refuse({ vendor: false, teams: ['ops'], level: 1 }, 2)).toBe('not-in-team');
    expect(refuse({ vendor: false, teams: [], level: 2 }, 2)).toBe('not-in-team');
    expect(serves({ teams: ['ops'], level: 1 }, 2)).toBe(false);
    expect(consumes).toEqual(['a', 'b']);
  });
  it('are switched off one at a time: no refusal, an operand without effect, a type that is not consumed', () => {
    expect(running(numberOf('person.vendor')).refuse({ vendor: true, teams: ['ops'], level: 2 }, 2)).toBeUndefined();
    const one = running(numberOf('person.level < least'));
    expect(one.refuse({ vendor: false, teams: ['ops'], level: 1 }, 2)).toBeUndefined();
    expect(one.refuse({ vendor: false, teams: [], level: 1 }, 2)).toBe('not-in-team');
    expect(running(numberOf('person.level >= least')).serves({ teams: ['ops'], level: 1 }, 2)).toBe(true);
    expect(running(numberOf("'a'")).consumes).toEqual(['b']);
  });
  it('that occur twice in one function have two names', () => {
    const twice = guardSites('rule.ts', 'export function refuse(a: boolean) { if (a) return 1; while (true) if (a) return 2; }');
    expect(twice.map(lineOf)).toEqual(['`rule.ts` refuse, guard `a`', '`rule.ts` refuse, guard `a (2)`']);
  });
  it('that no test notices are listed with a reason, by their line', () => {
    const [site] = sites;
    if (!site) throw new Error('no guard was found');
    const line = lineOf(site);
    expect(line).toBe('`rule.ts` refuse, guard `person.vendor`');
    expect(readSurvivors(`# Guards\n\n- ${line}: vendors have no account here\n`)).toEqual(
      new Map([[line, 'vendors have no account here']]),
    );
    expect(readSurvivors(`- ${line}: \n`)).toEqual(new Map());
  });
  it('in docs/mutants.md exist, and each of its list items is a guard', () => {
    const document = readFileSync('docs/mutants.md', 'utf8');
    const listed = [...readSurvivors(document).keys()];
    expect(listed.length).toBe(document.match(/^- /gm)?.length);
    const files = [...new Set(listed.map((line) => line.split('`')[1] ?? ''))];
    const known = files.flatMap((file) => guardSites(file, readFileSync(file, 'utf8'))).map(lineOf);
    expect(listed.filter((line) => !known.includes(line))).toEqual([]);
  });
});

describe('the program that switches guards off', () => {
  it.each([
    ['a file without guards', ['no-such-file'], 2, 'error: no file with a guard has "no-such-file" in its path'],
    ['one of two files without guards', ['ceiling', 'no-such-file'], 2, 'error: no file with a guard has "no-such-file" in its path'],
    ['seconds that are not a number', ['--seconds', 'soon'], 2, 'error: --seconds needs a number above 0, not "soon"'],
    ['no seconds', ['--seconds', '0'], 2, 'error: --seconds needs a number above 0, not "0"'],
    ['too few seconds for one guard', ['ceiling', '--seconds', '0.0001'], 1, 'no guard was tried within 0.0001 s'],
  ])('fails on %s', (_name, args, status, line) => {
    const done = spawnSync(process.execPath, ['tools/guards.mjs', ...args], { encoding: 'utf8' });
    expect(done.status).toBe(status);
    expect(`${done.stdout}${done.stderr}`.split('\n')).toContain(line);
  });
});
