import { randomBytes, randomInt, scrypt } from 'node:crypto';
import type { RecipientKey } from '@readmit/contracts';
import type { Sealed } from '../connector.js';
import { sealSecret } from '../seal-secret.js';

/** Letters and digits that do not look alike (no I, L, O, U, 0, 1): 30 characters. */
const alphabet = 'ABCDEFGHJKMNPQRSTVWXYZ23456789';
/** 16 characters out of 30 are 78 bits; a saved recovery code needs 64 (SP 800-63B-4). */
const length = 16;

/** A random code in groups of four, for readability: `ABCD-EFGH-JKMN-PQRS`. */
function newCode(): string {
  const characters = Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length)));
  return (characters.join('').match(/.{4}/g) ?? []).join('-');
}

/** What the identity provider stores: enough to verify the code, not to know it. */
export interface SaltedCode {
  readonly algorithm: 'scrypt-16384-8-1';
  readonly salt: string;
  readonly hash: string;
}

/** The content of the JWE. */
export interface BypassSecret {
  readonly kind: 'bypass';
  readonly connector: string;
  readonly object: string;
  /** One-time code; opens a session that can only enrol a new factor. */
  readonly code: string;
  readonly expiresAt: string;
}

/**
 * Creates a one-time code and returns only its hash and its sealed forms: the plain code never leaves this function. It is sealed before it
 * is issued, so that a crash after the issue leaves an unknown code and never an unsealed one.
 */
export async function newSealedCode(
  recipients: readonly RecipientKey[],
  about: { readonly connector: string; readonly object: string; readonly expiresAt: string },
): Promise<{ readonly salted: SaltedCode; readonly sealed: readonly Sealed[] }> {
  const code = newCode();
  const salt = randomBytes(32);
  const hash = await new Promise<Buffer>((resolve, reject) => {
    scrypt(code.replaceAll('-', ''), salt, 32, { N: 16_384, r: 8, p: 1 }, (error, key) => (error ? reject(error) : resolve(key)));
  });
  const secret: BypassSecret = { kind: 'bypass', connector: about.connector, object: about.object, code, expiresAt: about.expiresAt };
  const sealed = await sealSecret({ ...secret }, recipients);
  return { salted: { algorithm: 'scrypt-16384-8-1', salt: salt.toString('base64url'), hash: hash.toString('base64url') }, sealed };
}
