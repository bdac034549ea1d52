import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { Scrypted } from './account.js';

const cost = { N: 16_384, r: 8, p: 1 } as const;

const derive = (secret: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(secret.normalize('NFKC'), salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });

/** Hashes a password with a fresh salt of 32 bytes. */
export async function scrypted(secret: string): Promise<Scrypted> {
  const salt = randomBytes(32);
  return { salt: salt.toString('base64url'), hash: (await derive(secret, salt)).toString('base64url') };
}

/** Compares in constant time. */
export async function matches(secret: string, kept: Scrypted): Promise<boolean> {
  const expected = Buffer.from(kept.hash, 'base64url');
  const given = await derive(secret, Buffer.from(kept.salt, 'base64url'));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** Hash of a token that is itself random: no salt needed. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** An unguessable token of 256 bits. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/** Groups and case are for the eye; a typed code is compared without them. */
export const plainCode = (typed: string): string => typed.replace(/[\s-]/g, '').toUpperCase();
