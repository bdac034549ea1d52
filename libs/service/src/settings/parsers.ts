import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import { messageOf, mustBeHttps } from '@readmit/platform';
import { securedDatabaseUrl } from '@readmit/store';
import { FollowedText } from './followed-text.js';
import { Secret } from './secret.js';
import type { Parse } from './settings.js';

/** The largest file that a setting may name: keys and lists are small. */
const largestFile = 4 * 1024 * 1024;

/** A parser of one's own: its example is a value that would be right. */
export function parser<T>(example: string, parse: (text: string) => T): Parse<T> {
  return Object.assign((text: string) => parse(text), { example });
}

export const integer = (min: number, max: number, example: number = min): Parse<number> =>
  parser(String(example), (text) => {
    const value = Number(text);
    if (!/^-?\d{1,15}$/.test(text) || value < min || value > max) throw new Error(`must be an integer from ${min} to ${max}`);
    return value;
  });

export const choice = <const T extends readonly [string, ...string[]]>(...values: T): Parse<T[number]> =>
  parser(values[0], (text) => {
    const value = values.find((one) => one === text);
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return value;
  });

/** Text that matches the pattern; `what` completes "must be". */
export const matching = (pattern: RegExp, what: string, example: string): Parse<string> =>
  parser(example, (text) => {
    if (!pattern.test(text)) throw new Error(`must be ${what}`);
    return text;
  });

/** Comma-separated; blanks around items are dropped, an empty item is an error. */
export const list = (item: Parse<string>): Parse<readonly string[]> =>
  parser(item.example ?? 'one,two', (text) => text.split(',').map((part) => item(part.trim())));

/** An absolute URL without credentials: https anywhere, http on this machine only. No trailing slash is kept. */
export const webUrl = (example: string): Parse<string> => parser(example, (text) => checkedUrl(text).replace(/\/+$/, ''));
/** Such a URL as the name of an OpenID Connect issuer: tokens repeat it letter by letter, and names of some end in a slash. */
export const issuerUrl = (example: string): Parse<string> => parser(example, checkedUrl);
function checkedUrl(text: string): string {
  mustBeHttps(text);
  return text;
}

/** A PostgreSQL connection URL, with verified TLS to any other machine; its password is scrubbed from logs also when it stands alone. */
export const databaseUrl: Parse<Secret<string>> = parser('postgres://intake@127.0.0.1:5432/readmit', (text) => {
  const secured = securedDatabaseUrl(text);
  const { password } = new URL(text);
  return new Secret(secured, [text, secured, password, safeDecode(password)]);
});
function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** Text of a readable file, for things that are not secret (signed lists). */
export const textFile = (example: string): Parse<string> => parser(example, (path) => readSmallFile(path, false));

/** The same for a file that is replaced while the service runs. */
export const followedTextFile = (example: string): Parse<FollowedText> =>
  parser(example, (path) => {
    const read = (): string => {
      try {
        return readSmallFile(path, false);
      } catch (error) {
        throw new Error(`${path} ${messageOf(error)}`, { cause: error });
      }
    };
    return new FollowedText(readSmallFile(path, false), read);
  });

/**
 * A secret in a file that only its owner can read (mode 0600, or 0400). A secret in a variable would be visible in
 * process listings and crash reports, so there is no such form.
 */
export const secretFile = <T>(
  example: string,
  parse: (text: string) => { readonly value: T; readonly texts: readonly string[] },
): Parse<Secret<T>> =>
  parser(example, (path) => {
    const { value, texts } = parse(readSmallFile(path, true));
    return new Secret(value, texts);
  });

/** A password or the like, alone in such a file; blanks and line ends around it are dropped. */
export const secretLine = (example: string): Parse<Secret<string>> =>
  secretFile(example, (text) => {
    const value = text.trim();
    if (value === '' || /[\r\n]/.test(value)) throw new Error('must name a file that holds one line');
    return { value, texts: [value] };
  });

/** Such a secret in a file that is replaced while the service runs: the value reads it again. @throws {Error} it cannot be read. */
export const followedSecretLine = (example: string): Parse<Secret<() => string>> =>
  parser(example, (path) => {
    const read = secretLine(example);
    return new Secret(() => read(path).reveal(), [read(path).reveal()]);
  });

/** The Ed25519 key of a service as a private JWK (RFC 8037). */
export interface ServiceSigningKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly d: string;
}
export const serviceKeyFile: Parse<Secret<ServiceSigningKey>> = secretFile('keys/intake.jwk', (text) => {
  let jwk: Partial<Record<keyof ServiceSigningKey, unknown>>;
  try {
    jwk = JSON.parse(text) as typeof jwk;
    createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch (error) {
    // The cause is left out on purpose: messages of JSON.parse quote the text, which is the key.
    if (error instanceof Error) throw new Error('must name a file that holds a private JWK');
    throw error;
  }
  const { kty, crv, x, d } = jwk;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof d !== 'string')
    throw new Error('must name a file that holds a private Ed25519 JWK');
  return { value: { kty, crv, x, d }, texts: [d] };
});

function readSmallFile(path: string, ownerOnly: boolean): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw new Error(`must name a readable file (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`, { cause: error });
  }
  try {
    // On the descriptor, not on the path: what is checked is what is read.
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new Error('must name a regular file');
    if (stat.size > largestFile) throw new Error(`must name a file of at most ${largestFile} bytes`);
    const mode = stat.mode & 0o777;
    if (ownerOnly && mode !== 0o600 && mode !== 0o400)
      throw new Error(`must name a file with mode 0600, this one has 0${mode.toString(8)} (chmod 600)`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
