import { describe, expect, it } from '@jest/globals';
import { matchRows, readRows, readTitles, renderPlaces, renderRequirements } from '../../tools/requirement-titles.mjs';

// Ids from a group that the house does not have, in strings: this file's own titles name no requirement.
const table = [
  '## Q1 Examples',
  '| id | rule |',
  '|---|---|',
  '| R91.1 | first |',
  '| R91.2   | second, with a pipe \\| in it |',
  'text | R91.3 | no row |',
].join('\n');
const ids = (text: string) => readTitles('a.spec.ts', text).map((one) => one.ids);

describe('rows of the requirements', () => {
  it('come from the tables, with their group', () => {
    expect(readRows(table)).toEqual([
      { id: 'R91.1', group: 'Q1 Examples', rule: 'first' },
      { id: 'R91.2', group: 'Q1 Examples', rule: 'second, with a pipe \\| in it' },
    ]);
  });

  it('refuse an id that appears twice', () => {
    expect(() => readRows(`${table}\n| R91.1 | again |`)).toThrow('R91.1 appears twice');
  });
});

describe('titles of tests', () => {
  it('carry the titles of the blocks around them', () => {
    expect(readTitles('a.spec.ts', "describe('R91.1 a', () => { it('does b (R91.2)', () => {}); });")).toEqual([
      { file: 'a.spec.ts', title: 'R91.1 a does b (R91.2)', ids: ['R91.1', 'R91.2'] },
    ]);
  });

  it('are found behind each, in templates and in joined strings', () => {
    expect(ids("it.each([1, 2])('R91.1 %s', () => {});")).toEqual([['R91.1']]);
    expect(ids('it(`R91.1 ${name} stays`, () => {});')).toEqual([['R91.1']]);
    expect(ids("test('R91.1 begins ' + 'R91.2 ends', () => {});")).toEqual([['R91.1', 'R91.2']]);
    expect(ids('it.each`a\n${1}`("R91.1 $a", () => {});')).toEqual([['R91.1']]);
  });

  it('are not found in comments, other strings and tests that do not run', () => {
    expect(ids("// it('R91.1 commented', () => {});\nconst title = 'R91.1 it';")).toEqual([]);
    expect(ids("it.skip('R91.1', () => {}); xit('R91.1', () => {}); it.todo('R91.1');")).toEqual([]);
    expect(ids("describe.skip('R91.1', () => { it('R91.2', () => {}); });")).toEqual([]);
    expect(ids("it('R91.1 control', () => {});")).toEqual([['R91.1']]);
  });
});

describe('matching', () => {
  const rows = readRows(table);
  const titles = readTitles('a.spec.ts', "it('R91.1 holds', () => {}); it('R91.7 is nowhere', () => {});");
  const mutant = { id: 'R91.1a', rows: ['R91.1'], file: 'a.ts', find: 'a', replace: 'b', specs: ['a.spec.ts'], means: 'it does not hold' };
  const killedBy = [{ test: 'a.spec.ts', title: 'R91.1 holds' }];
  const killed = { mutant, state: 'killed' as const, killedBy, changed: false };

  it('finds ids that no row has, and due rows of which no mutant was killed', () => {
    const { tests, kills, unknown, missing } = matchRows(rows, titles, [killed], ['R91.1', 'R91.2']);
    expect(tests.get('R91.1')?.map((one) => one.title)).toEqual(['R91.1 holds']);
    expect(kills.get('R91.1')).toEqual([{ id: 'R91.1a', means: 'it does not hold', killers: killedBy }]);
    expect(unknown.map((one) => one.ids)).toEqual([['R91.7']]);
    expect(missing).toEqual(['R91.2']);
  });

  it('counts no row for its titles alone, for a mutant that nobody noticed, or for one that a test of another row noticed', () => {
    const missing = (judged: Parameters<typeof matchRows>[2]) => matchRows(rows, titles, judged, ['R91.1']).missing;
    expect(missing([killed])).toEqual([]);
    expect(missing([])).toEqual(['R91.1']);
    expect(missing([{ ...killed, state: 'open' }])).toEqual(['R91.1']);
    expect(missing([{ ...killed, killedBy: [{ test: 'a.spec.ts', title: 'R91.2 holds' }] }])).toEqual(['R91.1']);
  });

  it('finds mutants of rows that do not exist', () => {
    const strange = { ...killed, mutant: { ...mutant, id: 'R91.8a', rows: ['R91.8'] } };
    expect(matchRows(rows, [], [strange], []).unknown).toEqual([{ file: 'tests/mutants', title: 'R91.8a', ids: ['R91.8'] }]);
  });

  it('refuses a due row that does not exist', () => {
    expect(() => matchRows(rows, titles, [], ['R91.9'])).toThrow('due rows that docs/requirements.md does not have: R91.9');
  });

  it('renders a row with what was noticed, or as open with the tests that name it', () => {
    const done = renderRequirements(rows, matchRows(rows, titles, [killed], []), ['R91.2']);
    expect(done).toContain('| R91.1 | first |  | R91.1a it does not hold: *R91.1 holds* (a.spec.ts) | R91.1 holds (a.spec.ts) |');
    expect(done).toContain('| R91.2 | second, with a pipe \\| in it | yes | open |  |');
    expect(done).toContain('1 of 2 rows are done');
    expect(renderRequirements(rows, matchRows(rows, titles, [], []), [])).toContain(
      '| R91.1 | first |  | open | R91.1 holds (a.spec.ts) |',
    );
  });

  it('lists for each row the lines whose mutants its tests noticed, and no other', () => {
    const second = { ...killed, mutant: { ...mutant, id: 'R91.2a', rows: ['R91.2'], find: 'a || b\nc' }, killedBy: [] };
    const places = renderPlaces(rows, [killed, second]);
    expect(places).toContain(`| R91.1 | it does not hold | [${mutant.file}](../../${mutant.file}) | \`\` ${mutant.find} \`\` |`);
    expect(places).not.toContain('R91.2');
    const noticed = { ...second, killedBy: [{ test: 'a.spec.ts', title: 'R91.2 holds' }] };
    expect(renderPlaces(rows, [killed, noticed])).toContain('| `` a \\|\\| b `` |');
  });
});
