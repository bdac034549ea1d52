import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { repeatsName } from './json-names.js';

describe('a duplicate name in JSON text', () => {
  it.each([
    '{"a":1,"a":1}',
    '{"a":{"b":[{"c":1},{"c":1,"d":2,"c":3}]}}',
    '{"a":1 , "\\u0061" \n : 2}',
    '[{},{"":1,"":2}]',
    '{"x":{"a":1},"a":{"x":1},"x":2}',
    '{"\\"":1,"\\"":2}',
    '{"__proto__":1,"__proto__":2}',
  ])('R8.3 that stands twice in its object is found: %s', (text) => expect(repeatsName(text)).toBe(true));

  it.each([
    '{"a":1,"A":1}',
    '{"a":{"a":["a","a"]},"b":"a"}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\"a\\":1,","b":"{\\"b\\":"}',
    '"a"',
    '3',
    '{"a\\\\":1,"a":2}',
  ])('that stands once in its object is not: %s', (text) => expect(repeatsName(text)).toBe(false));

  it('R8.3 is found in any generated JSON to which one was added, and in no other', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const text = JSON.stringify(value, undefined, 1);
        expect(repeatsName(text)).toBe(false);
        expect(repeatsName(`${text.slice(0, -1)}, ${JSON.stringify(Object.keys(value)[0])}: null }`)).toBe(true);
      }),
    );
  });
});
