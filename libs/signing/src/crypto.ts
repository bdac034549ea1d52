import type { Context } from '@readmit/domain';
import canonicalize from 'canonicalize';
import { createHash, createHmac, createPublicKey, randomBytes, verify, type KeyObject } from 'node:crypto';
import { Recent } from '@readmit/platform';

type Crypto = Context['crypto'];

/** Signatures that are good: approval, the intent and audit's watch judge the same decisions, and each more than once. A bad one is never kept. */
const good = new Recent<true>(4096);

/** Of words that stay with their service the events have a digest; without the salt, which stays with the words, short ones could be guessed. */
export function salted(words: string): { readonly salt: string; readonly digest: string } {
  const salt = randomBytes(16).toString('base64url');
  const digest = createHash('sha256')
    .update(JSON.stringify([salt, words]))
    .digest('hex');
  return { salt, digest };
}

/** Cryptography of decisions: JCS (RFC 8785), SHA-256, Ed25519 over DSSE's PAE. */
export const crypto: Crypto = {
  canonical,
  digest: (value) => createHash('sha256').update(canonical(value), 'utf8').digest('hex'),
  hmac: (key, text) => createHmac('sha256', key).update(text, 'utf8').digest('hex'),
  verify: (key, payloadType, text, signature) => {
    // Quoted, so that nothing can be cut in another place and be taken for the same.
    const mark = JSON.stringify([key, payloadType, text, signature]);
    if (good.get(mark)) return true;
    const body = Buffer.from(text, 'utf8');
    const pae = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `, 'utf8'), body]);
    try {
      if (!verify(null, pae, keyOf(key), Buffer.from(signature, 'base64url'))) return false;
      good.set(mark, true);
      return true;
    } catch {
      // Not a key: nothing verifies under it.
      return false;
    }
  },
};

/** Keys of approvers are few and come again with each decision; to make one ready costs half as much as to verify with it. */
const keys = new Recent<KeyObject>(1_000);

/** @throws {Error} not the x of an Ed25519 key. */
function keyOf(x: string): KeyObject {
  const known = keys.get(x);
  if (known) return known;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  keys.set(x, key);
  return key;
}

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only JSON has a canonical form');
  return text;
}
