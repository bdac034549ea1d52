import { describe, expect, it } from '@jest/globals';
import { changeOf, judgeMutants, killersFor, mutated, readMutants, sourceOf, writtenTitle, type Mutant } from '../../tools/mutants.mjs';

// Rows of a group that does not exist, and only in strings: the titles in this file name no requirement.
const mutant: Mutant = {
  ...{ id: 'R91.1a', rows: ['R91.1'], clauses: ['R91.1'], file: 'a.ts', means: 'everybody may' },
  ...{ find: 'if (!may) throw new Error();', replace: '', specs: ['a.spec.ts'] },
};
const source = 'export function act(may: boolean) {\n  if (!may) throw new Error();\n}\n';
const written = { ...mutant, clauses: undefined };
const listed = (entry: object) => readMutants([{ name: 'r91.json', text: JSON.stringify([{ ...written, ...entry }]) }]);

describe('the list of mutants', () => {
  it('is read in order; a text of several lines may be an array of lines', () => {
    expect(listed({})).toEqual([mutant]);
    expect(listed({ find: ['a', 'b'] })[0]?.find).toBe('a\nb');
  });
  it('names rows or clauses of them; each row counts once', () => {
    const rows = ['R91.1 (2)', 'R91.1 (3)', 'R92.4'];
    expect(listed({ rows })).toEqual([{ ...mutant, rows: ['R91.1', 'R92.4'], clauses: rows }]);
    expect(() => listed({ rows: [] })).toThrow('R91.1a: names no row');
  });
  it('is refused with every mistake, by name', () => {
    expect(() => listed({ file: 7 })).toThrow('r91.json: R91.1a: "file" must be a string');
    expect(() => listed({ fiel: 'a.ts' })).toThrow('"fiel" is not a field');
    expect(() => listed({ id: 'first' })).toThrow('first: an id is a row and a letter, like R4.4e');
    expect(() => listed({ replace: mutant.find })).toThrow('changes nothing');
    expect(() => listed({ specs: [] })).toThrow('names no spec that must fail');
    expect(listed({ specs: [], open: 'nobody looks' })).toHaveLength(1);
    const twice = JSON.stringify([written, written]);
    expect(() => readMutants([{ name: 'r91.json', text: twice }])).toThrow('R91.1a: appears twice');
  });
});

describe('a mutant', () => {
  it('is applied at the only place where its text occurs', () => {
    expect(mutated(mutant, source)).toBe('export function act(may: boolean) {\n  \n}\n');
  });
  it('is refused if its text does not occur, occurs more than once, or the result does not compile', () => {
    expect(() => mutated({ ...mutant, find: 'gone' }, source)).toThrow('R91.1a: the text to find does not occur in a.ts');
    expect(() => mutated(mutant, source + source)).toThrow('the text to find occurs more than once in a.ts');
    expect(() => mutated({ ...mutant, replace: '}}' }, source)).toThrow('the changed a.ts does not compile');
  });
});

describe('the title of a test that failed', () => {
  it('is found as it is written, for a title with the values of each', () => {
    const titles = [{ title: 'one R91.1 is refused' }, { title: 'one R91.1 does not count when it %s' }, { title: 'two $name has ...' }];
    expect(writtenTitle(titles, 'one R91.1 is refused')).toBe('one R91.1 is refused');
    expect(writtenTitle(titles, 'one R91.1 does not count when it is of (somebody)')).toBe('one R91.1 does not count when it %s');
    expect(writtenTitle(titles, 'two ada has more')).toBe('two $name has ...');
    expect(writtenTitle(titles, 'one R91.1 is refused today')).toBeUndefined();
  });
});

describe('a record', () => {
  const texts: Record<string, string> = { 'a.ts': source, 'a.spec.ts': "it('R91.1 refuses', () => {});" };
  const read = (file: string) => texts[file];
  const record = {
    id: mutant.id,
    change: changeOf(mutant),
    source: sourceOf(mutant, read),
    killedBy: [{ test: 'a.spec.ts', title: 'R91.1 refuses' }],
  };
  const titles = [{ file: 'a.spec.ts', title: 'R91.1 refuses' }];
  const judge = (more: { mutant?: object; record?: object | null; titles?: typeof titles; read?: typeof read } = {}) =>
    judgeMutants(
      [{ ...mutant, ...more.mutant }],
      more.record === null ? [] : [{ ...record, ...more.record }],
      more.titles ?? titles,
      more.read ?? read,
    )[0];

  it('counts while change, place and test are the same', () => {
    expect(judge()).toMatchObject({ state: 'killed', changed: false, killedBy: record.killedBy });
  });
  it('counts, and is marked as changed, if the file or the spec changed elsewhere', () => {
    const moved = (file: string) => (file === 'a.ts' ? `// moved\n${source}` : read(file));
    expect(judge({ read: moved })).toMatchObject({ state: 'killed', changed: true });
  });
  it('does not count if the change differs, or its place or the test no longer exists', () => {
    expect(judge({ record: null })).toMatchObject({ state: 'wrong', message: 'there is no record that a test noticed it' });
    expect(judge({ mutant: { replace: 'return;' } })).toMatchObject({ state: 'wrong', message: expect.stringContaining('another change') });
    expect(judge({ read: (file) => (file === 'a.ts' ? '' : read(file)) })).toMatchObject({
      state: 'wrong',
      message: 'the text to find does not occur in a.ts',
    });
    expect(judge({ titles: [] })).toMatchObject({
      state: 'wrong',
      message: expect.stringContaining('the test that noticed it no longer exists'),
    });
    expect(judge({ read: (file) => (file === 'a.ts' ? source : undefined) })).toMatchObject({
      state: 'wrong',
      message: 'a.spec.ts does not exist',
    });
  });
  it('does not count for a mutant that is listed as open', () => {
    expect(judge({ mutant: { open: 'no test yet' } })).toMatchObject({ state: 'open', killedBy: [] });
  });
  it('belongs to a row if the mutant and the test do', () => {
    const judged = judge();
    if (!judged) throw new Error('nothing was judged');
    expect(killersFor('R91.1', judged)).toEqual(record.killedBy);
    expect(killersFor('R91.11', judged)).toEqual([]);
    expect(killersFor('R91.2', judged)).toEqual([]);
  });
});
