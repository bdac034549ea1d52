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
  const allowed = 'letters, digits and . _ : / @ | + # ~ = % ! $ & * \\ - are allowed';
  it.each([
    ['', 'it is empty'],
    ['a'.repeat(256), 'it has 256 characters, at most 255 are allowed'],
    ['ada lovelace', `it has the character U+0020; ${allowed}`],
    ['o"brien', `it has the character " (U+0022); ${allowed}`],
    ["o'brien", `it has the character ' (U+0027); ${allowed}`],
    ['a\u0000', `it has the character U+0000; ${allowed}`],
    ['a\n', `it has the character U+000A; ${allowed}`],
    ['zoë', `it has the character U+00EB; ${allowed}`],
    ['a\u{1f600}', `it has the character U+1F600; ${allowed}`],
    ['<script>', `it has the character < (U+003C); ${allowed}`],
  ])('is not %j, and the sentence names what is wrong', (text, says) => {
    expect([isId(text), idFault(text)]).toEqual([false, says]);
  });
});
