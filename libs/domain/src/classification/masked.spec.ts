/** What a masked contact point shows. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { masked } from './masked.js';

describe('a masked contact point', () => {
  it.each([
    ['phone', '+44 20 7946 0104', '+44 ** **** **04'],
    ['phone', '+442079460104', '+44********04'],
    ['phone', '020 7946 0104', '*** **** **04'],
    ['mobile', '+44 7700 900108', '+44 **** ****08'],
    ['phone', '+1 (212) 555-0100', '+1 (***) ***-**00'],
    ['phone', '110', '***'],
    ['phone', '+44 1234', '+** ****'],
    ['email', 'dana@example.test', 'd***@example.test'],
    ['email', 'd@example.test', '***@example.test'],
    ['email', 'no address', '***'],
  ])('R3.4 of a %s %s is %s', (kind, value, shown) => {
    expect(masked(kind, value)).toBe(shown);
  });

  it('R3.4 shows at most five digits of any number, and at most a letter of any name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.constantFrom('phone', 'mobile', 'other'), (value, kind) => {
        const shown = masked(kind, value);
        expect(shown).toHaveLength(value.length);
        expect([...shown.matchAll(/\p{N}/gu)].length).toBeLessThanOrEqual(5);
        expect(shown).not.toMatch(/\p{L}/u);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z.]{2,30}$/), (name) =>
        expect(masked('email', `${name}@example.test`)).toBe(`${name[0]}***@example.test`),
      ),
    );
  });
});
