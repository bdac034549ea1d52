import { describe, expect, it } from '@jest/globals';
import { idFault, isId } from './id.js';

const subs = [
  'a'.repeat(129),
  'a'.repeat(255),
  'auth0|5f7c8ec7c33c6c004bbafe82',
  'google-oauth2|117',
  'ada+readmit@example.test',
  'ACME\\erin',
];

describe('an id', () => {
  it.each([...subs, 'erin#EXT#@tenant.example', 'a', '~', '%41', 'x=y&z', '$!*'])('may be %s', (text) => {
    expect([isId(text), idFault(text)]).toEqual([true, undefined]);
  });
  const taken = 'letters, digits and . _ : / @ | + # ~ = % ! $ & * \\ - are taken';
  it.each([
    ['', 'it is empty'],
    ['a'.repeat(256), 'it has 256 characters, at most 255 are taken'],
    ['ada lovelace', `it holds the character U+0020; ${taken}`],
    ['o"brien', `it holds the character " (U+0022); ${taken}`],
    ["o'brien", `it holds the character ' (U+0027); ${taken}`],
    ['a\u0000', `it holds the character U+0000; ${taken}`],
    ['a\n', `it holds the character U+000A; ${taken}`],
    ['zoë', `it holds the character U+00EB; ${taken}`],
    ['a\u{1f600}', `it holds the character U+1F600; ${taken}`],
    ['<script>', `it holds the character < (U+003C); ${taken}`],
  ])('is not %j, and the sentence names what is wrong', (text, says) => {
    expect([isId(text), idFault(text)]).toEqual([false, says]);
  });
});
