import { idPattern } from './values.js';

const whole = new RegExp(idPattern);
const one = new RegExp(idPattern.replace('{1,255}', ''));
const maxLength = 255;

/** Whether the text is an opaque id (`Id`): of a person, an account, a case, an object. */
export const isId = (text: string): boolean => whole.test(text);

/** Why the text is not an id: names the character or the limit. `undefined`: it is one. */
export function idFault(text: string): string | undefined {
  if (isId(text)) return undefined;
  if (text === '') return 'it is empty';
  if (text.length > maxLength) return `it has ${text.length} characters, at most ${maxLength} are allowed`;
  const wrong = [...text].find((character) => !one.test(character)) ?? '';
  const code = (wrong.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const shown = /^[\x21-\x7e]$/.test(wrong) ? `the character ${wrong} (U+${code})` : `the character U+${code}`;
  return `it has ${shown}; letters, digits and . _ : / @ | + # ~ = % ! $ & * \\ - are allowed`;
}
