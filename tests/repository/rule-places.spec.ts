import { describe, expect, it } from '@jest/globals';
import type { Judged } from '../../tools/mutants.mjs';
import { readRows } from '../../tools/requirement-rows.mjs';
import { placeOf, placesOf, readPointers, renderPlaces } from '../../tools/rule-places.mjs';

// Ids of a group that does not exist, and only in strings: the titles in this file name no requirement.
const source = [
  "export const table = { 'role.grant': { classes: ['one'] } } as const;",
  'export const kinds = [1, 2];',
  'class Guard {',
  '  check(may: boolean) {',
  '    if (!may) return;',
  '    const ask = (id: string) => id.length > 0;',
  '    return ask(`x`);',
  '  }',
  '}',
  'function act() {',
  '  const plan = { steps: [3] };',
  '  return;',
  '}',
].join('\n');
const at = (find: string, replace?: string, file = 'a.ts') =>
  placeOf({ file, find, ...(replace === undefined ? {} : { replace }) }, source);

describe('the place of a rule', () => {
  it('is the whole line with the declarations around it', () => {
    expect(at('!may')).toEqual({ file: 'a.ts', within: 'Guard.check', line: 'if (!may) return;' });
    expect(at("['one']").within).toBe("table['role.grant']");
    expect(at('[1, 2]').within).toBe('kinds');
    expect(at('id.length > 0').within).toBe('Guard.check.ask');
    expect(at('[3]').within).toBe('act');
    expect(at('[3]', undefined, 'a.yaml').within).toBe('');
  });
  it('of a text of several lines is the first one that changes', () => {
    expect(at('check(may: boolean) {\n    if (!may) return;', 'check(may: boolean) {').line).toBe('if (!may) return;');
    expect(at('}\nfunction act() {', '}\nfunction other() {').line).toBe('function act() {');
    expect(at('check(may: boolean) {\n    if (!may) return;', 'gone').line).toBe('check(may: boolean) {');
  });
  it('is refused when its text is missing, or it or the line that changes is there more than once', () => {
    expect(() => at('nothing')).toThrow('the text to find is not in a.ts');
    expect(() => at('return')).toThrow('the text to find is more than once in a.ts');
    expect(() => placeOf({ file: 'a.ts', find: 'b();\na();' }, 'a();\nb();\na();\nb();')).toThrow(
      'its first changed line occurs more than once in a.ts: "b();"',
    );
  });
});

describe('the places of the clauses', () => {
  const rows = readRows('| R91.1 | (1) first, (2) second |\n| R91.2 | all of it |\n| R91.12 | another |');
  const judged = (id: string, clauses: readonly string[], find: string, more: Partial<Judged> = {}): Judged => ({
    mutant: { id, clauses, rows: [], file: 'a.ts', find, replace: '', specs: [], means: `without ${id}` },
    ...{ state: 'killed', killedBy: [], changed: false },
    ...more,
  });
  const read = (file: string) => (file === 'a.ts' ? source : undefined);
  const entries = (list: readonly Judged[], pointers = '[]') => {
    const { places, wrong } = placesOf(rows, list, readPointers(pointers), read);
    return { places, wrong, of: (clause: string) => places.get(clause)?.map(({ ids, line }) => [ids.join(), line]) };
  };

  it('begin with the mutants of the row itself, then of others, then pointers', () => {
    const pointer = JSON.stringify([{ rows: ['R91.2'], file: 'a.ts', find: '[1, 2]', means: 'the kinds' }]);
    const { of, wrong } = entries([judged('R91.12a', ['R91.2'], '[3]'), judged('R91.2a', ['R91.2', 'R91.1 (1)'], '!may')], pointer);
    expect(of('R91.2')).toEqual([
      ['R91.2a', 'if (!may) return;'],
      ['R91.12a', 'const plan = { steps: [3] };'],
      ['', 'export const kinds = [1, 2];'],
    ]);
    expect(of('R91.1 (1)')).toEqual([['R91.2a', 'if (!may) return;']]);
    expect(of('R91.1 (2)')).toEqual([]);
    expect(wrong).toEqual([]);
  });
  it('have a line once, with every mutant of it', () => {
    const { places } = entries([judged('R91.2a', ['R91.2'], '!may'), judged('R91.2b', ['R91.2'], 'if (!may)')]);
    expect(places.get('R91.2')).toEqual([
      {
        file: 'a.ts',
        within: 'Guard.check',
        line: 'if (!may) return;',
        means: ['without R91.2a', 'without R91.2b'],
        ids: ['R91.2a', 'R91.2b'],
      },
    ]);
  });
  it('have no mutant that no test noticed', () => {
    expect(entries([judged('R91.2a', ['R91.2'], '!may', { state: 'open' })]).of('R91.2')).toEqual([]);
  });
  it('tell what cannot be shown: no clause where a row has several, an unknown one, a file or text that is not there', () => {
    const pointers = [
      { rows: ['R91.2'], file: 'gone.ts', find: 'x', means: 'm' },
      { rows: ['R91.2'], file: 'a.ts', find: 'gone', means: 'm' },
    ];
    expect(entries([judged('R91.1a', ['R91.1', 'R91.7'], '!may')], JSON.stringify(pointers)).wrong).toEqual([
      'R91.1a names R91.1, which has 2 clauses: name one in "rows", like "R91.1 (1)"',
      'R91.1a names R91.7, which docs/requirements.md does not have',
      'the pointer to gone.ts: the file is not there',
      'a pointer: the text to find is not in a.ts',
    ]);
    expect(() => readPointers('[{"rows": [], "file": "a.ts", "find": "x", "means": "m"}]')).toThrow('must have rows, file, find, means');
  });
  it('are rendered by row and clause; one that is missing is named, a row without any line is left out', () => {
    const { places } = entries([judged('R91.1a', ['R91.1 (1)'], '!may')]);
    const page = renderPlaces(rows, places, [{ clause: 'R91.1 (2)', missing: 'Nobody looks.', comesWith: 'later' }]);
    expect(page).toContain(
      '## R91.1\n\n(1) first, (2) second\n\n**(1)** first\n\n' +
        '- [a.ts](../../a.ts), `Guard.check`: `` if (!may) return; ``<br>without it: without R91.1a (R91.1a)\n\n' +
        '**(2)** second\n\n- **Not decided yet:** Nobody looks.\n',
    );
    expect(page).not.toContain('R91.2');
  });
});
