import { maxDepth, nestsTooDeep, repeatsName } from '@readmit/contracts';
import { ProblemError } from './problem.js';

/** Largest body, in bytes. */
export const bodyLimit = 256 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses a body and refuses what would only fail later, in a database or a signature: broken UTF-8, null characters, lone
 * surrogates, `__proto__`, endless nesting; and what
 * another reader would read another way: a name that stands twice. Throws a `ProblemError` 400 with its own reason for each.
 */
export function parseJsonBody(bytes: Buffer): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (error) {
    throw new ProblemError(400, 'broken-utf8', 'The body is not valid UTF-8.', { cause: error });
  }
  if (text.includes('\u0000')) throw nullCharacter();
  if (nestsTooDeep(bytes)) throw new ProblemError(400, 'json-too-deep', `The body nests deeper than ${maxDepth} levels.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message is not passed on: it quotes the body.
    throw new ProblemError(400, 'broken-json', 'The body is not valid JSON.');
  }
  inspect(value);
  if (repeatsName(text)) throw new ProblemError(400, 'name-repeated', 'In an object of the body a name stands twice.');
  return value;
}

const nullCharacter = () => new ProblemError(400, 'null-character', 'The body contains a null character.');

function inspect(value: unknown): void {
  if (typeof value === 'string') inspectText(value);
  else if (Array.isArray(value)) value.forEach(inspect);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      inspectText(key);
      if (key === '__proto__') throw new ProblemError(400, 'forbidden-field', 'The body has a field named __proto__.');
      inspect(inner);
    }
  }
}
function inspectText(text: string): void {
  if (text.includes('\u0000')) throw nullCharacter();
  if (!text.isWellFormed()) throw new ProblemError(400, 'broken-unicode', 'The body contains half of a surrogate pair.');
}
