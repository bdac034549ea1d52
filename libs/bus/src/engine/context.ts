import { v7 } from 'uuid';
import type { Context } from '@readmit/domain';
import canonicalize from 'canonicalize';
import { createHash, createHmac, createPublicKey, verify, type KeyObject } from 'node:crypto';

type Crypto = Context['crypto'];

/** Cryptography of decisions: JCS (RFC 8785), SHA-256, Ed25519 over DSSE's PAE. */
export const crypto: Crypto = {
  canonical,
  digest: (value) => createHash('sha256').update(canonical(value), 'utf8').digest('hex'),
  hmac: (key, text) => createHmac('sha256', key).update(text, 'utf8').digest('hex'),
  verify: (key, payloadType, text, signature) => {
    const body = Buffer.from(text, 'utf8');
    const pae = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `, 'utf8'), body]);
    try {
      return verify(null, pae, keyOf(key), Buffer.from(signature, 'base64url'));
    } catch {
      // Not a key: nothing verifies under it.
      return false;
    }
  },
};

/** Keys of approvers are few and come again with each decision; to make one ready costs half as much as to verify with it. */
const keys = new Map<string, KeyObject>();
const mostKeys = 1_000;

/** @throws {Error} not the x of an Ed25519 key. */
function keyOf(x: string): KeyObject {
  const known = keys.get(x);
  if (known) return known;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (keys.size >= mostKeys) keys.clear();
  keys.set(x, key);
  return key;
}

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only JSON has a canonical form');
  return text;
}

/** A fresh UUIDv7 (RFC 9562), monotonic within the process: ids of one transaction sort in the order in which they were said. */
export const uuidv7 = (): string => v7();
