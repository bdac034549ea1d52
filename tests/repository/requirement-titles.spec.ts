import { describe, expect, it } from '@jest/globals';
import { readMissing, readRows } from '../../tools/requirement-rows.mjs';
import { countOf, matchRows, readTitles, renderRequirements, statesOf } from '../../tools/requirement-titles.mjs';

// Ids of a group that does not exist, and only in strings: the titles in this file name no requirement.
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
      { id: 'R91.1', group: 'Q1 Examples', rule: 'first', clauses: [{ name: 'R91.1', text: 'first' }] },
      {
        ...{ id: 'R91.2', group: 'Q1 Examples', rule: 'second, with a pipe \\| in it' },
        clauses: [{ name: 'R91.2', text: 'second, with a pipe \\| in it' }],
      },
    ]);
  });

  it('have the clauses that their text numbers, without what joins them', () => {
    const clauses = (rule: string) => readRows(`| R91.1 | ${rule} |`)[0]?.clauses;
    expect(clauses('All of it: (1) one thing (of many), and (2) another; (3) and a third.')).toEqual([
      { name: 'R91.1 (1)', text: 'one thing (of many)' },
      { name: 'R91.1 (2)', text: 'another' },
      { name: 'R91.1 (3)', text: 'a third' },
    ]);
    expect(() => clauses('(1) one, (3) three')).toThrow('the clauses of R91.1 are not numbered (1), (2), ...');
  });

  it('are in part where the section says so, which has no rows itself', () => {
    const page = `## In part\n\n| clause | what is missing | comes with |\n| --- | --- | --- |\n| R91.1 (2) | half | later |\n\n${table}`;
    expect(readMissing(page)).toEqual([{ clause: 'R91.1 (2)', missing: 'half', comesWith: 'later' }]);
    expect(readRows(page)).toEqual(readRows(table));
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

  it('are found after each, in templates and in joined strings', () => {
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
  const mutant = {
    ...{ id: 'R91.1a', rows: ['R91.1'], clauses: ['R91.1'] },
    file: 'a.ts',
    find: 'a',
    replace: 'b',
    specs: ['a.spec.ts'],
    means: 'it does not hold',
  };
  const killedBy = [{ test: 'a.spec.ts', title: 'R91.1 holds' }];
  const killed = { mutant, state: 'killed' as const, killedBy, changed: false };

  it('finds unknown ids, and due rows without a killed mutant', () => {
    const { tests, kills, unknown, missing } = matchRows(rows, titles, [killed], ['R91.1', 'R91.2']);
    expect(tests.get('R91.1')?.map((one) => one.title)).toEqual(['R91.1 holds']);
    expect(kills.get('R91.1')).toEqual([{ id: 'R91.1a', means: 'it does not hold', killers: killedBy }]);
    expect(unknown.map((one) => one.ids)).toEqual([['R91.7']]);
    expect(missing).toEqual(['R91.2']);
  });

  it('does not count a row only for its titles, for a mutant that no test noticed, or for one that a test of another row noticed', () => {
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
    expect(() => matchRows(rows, titles, [], ['R91.9'])).toThrow(
      'docs/requirements.json lists rows that docs/requirements.md does not have: R91.9',
    );
  });

  it('renders a row with its state, what was noticed and the tests that name it', () => {
    const render = (judged: Parameters<typeof matchRows>[2], due: readonly string[]) => {
      const matched = matchRows(rows, titles, judged, []);
      return renderRequirements(
        rows,
        matched,
        statesOf(
          rows,
          matched.kills,
          new Map([
            ['R91.1', [place]],
            ['R91.2', []],
          ]),
          [],
        ).states,
        due,
      );
    };
    const done = render([killed], ['R91.2']);
    expect(done).toContain('| R91.1 | first |  | done | R91.1a it does not hold: *R91.1 holds* (a.spec.ts) | R91.1 holds (a.spec.ts) |');
    expect(done).toContain('| R91.2 | second, with a pipe \\| in it | yes | open |  |  |');
    expect(done).toContain('1 of 2 rows are done');
    expect(render([], [])).toContain('| R91.1 | first |  | open |  | R91.1 holds (a.spec.ts) |');
  });
});

const place = { file: 'a.ts', within: 'act', line: 'if (no) return;', means: ['it does not hold'], ids: ['R91.1a'] };

describe('the state of a row', () => {
  const rows = readRows('| R91.1 | (1) first, (2) second |\n| R91.2 | all of it |');
  const kill = { id: 'R91.1a', means: 'it does not hold', killers: [] };
  const gap = { clause: 'R91.1 (2)', missing: 'Nobody looks.', comesWith: 'later' };
  const judge = (decided: readonly string[], missing: Parameters<typeof statesOf>[3] = [], noticed = ['R91.1']) => {
    const kills = new Map(rows.map(({ id }) => [id, noticed.includes(id) ? [kill] : []]));
    const places = new Map(rows.flatMap(({ clauses }) => clauses.map(({ name }) => [name, decided.includes(name) ? [place] : []])));
    const { states, wrong } = statesOf(rows, kills, places, missing);
    return { state: states.get('R91.1')?.state, states, wrong };
  };

  it('is done when a mutant was noticed and each clause has a line', () => {
    expect(judge(['R91.1 (1)', 'R91.1 (2)'])).toMatchObject({ state: 'done', wrong: [] });
    expect(countOf(judge(['R91.1 (1)', 'R91.1 (2)']).states, 'open')).toBe(1);
  });
  it('is open without a mutant that was noticed, whatever lines there are', () => {
    expect(judge(['R91.1 (1)', 'R91.1 (2)'], [], [])).toMatchObject({ state: 'open', wrong: [] });
  });
  it('is in part, and says what is missing, when the clause is listed', () => {
    const { state, states, wrong } = judge(['R91.1 (1)'], [gap]);
    expect([state, wrong]).toEqual(['in part', []]);
    const none = new Map(rows.map(({ id }) => [id, []]));
    const page = renderRequirements(rows, { tests: none, kills: none }, states, []);
    expect(page).toContain('| in part<br>R91.1 (2): Nobody looks. Comes with: later |');
    expect(page).toContain('0 of 2 rows are done:');
    expect(page).toContain('1 rows are done in part');
  });
  it.each([
    ['a clause with neither a line nor an entry', ['R91.1 (1)'], [], ['R91.1'], 'no line decides R91.1 (2) (second)'],
    ['a clause with both', ['R91.1 (1)', 'R91.1 (2)'], [gap], ['R91.1'], 'R91.1 (2) is listed as missing, but a.ts decides it'],
    ['an entry of a row that is open', [], [gap], [], 'R91.1 (2) is listed as missing, but the whole row is open'],
    [
      'an entry of no clause',
      ['R91.1 (1)', 'R91.1 (2)'],
      [{ ...gap, clause: 'R91.1' }],
      ['R91.1'],
      '"In part" lists R91.1, which is no clause',
    ],
  ])('is wrong with %s', (_, decided, missing, noticed, text) => {
    expect(judge(decided, missing, noticed).wrong).toEqual([expect.stringContaining(text)]);
  });
});
