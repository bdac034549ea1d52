/** What is a reason and what only looks like one to a length check. */
import { describe, expect, it } from '@jest/globals';
import { isBlank } from './blank-text.js';

describe('a text that says nothing', () => {
  it.each([
    ['empty', ''],
    ['a blank', ' '],
    ['line ends and tabs', '\n\t\r'],
    ['a no-break space and an ideographic one', '\u00a0\u3000'],
    ['two zero-width characters', '\u200b\u200d'],
    ['marks of direction', '\u202e\u2066'],
    ['a soft hyphen', '\u00ad'],
    ['Hangul fillers, which are letters', '\u3164\u115f\uffa0'],
    ['the blank of Braille, which is a symbol', '\u2800'],
    ['an accent without a letter', '\u0301'],
    ['tags', '\u{e0041}'],
  ])('is %s', (_, text) => {
    expect(isBlank(text)).toBe(true);
  });

  it.each([['x'], ['7'], ['?'], ['€'], [' ok '], ['\u200bя'], ['理由'], ['سبب'], ['🔑'], ['\u0915\u094d']])('is not "%s"', (text) => {
    expect(isBlank(text)).toBe(false);
  });
});
