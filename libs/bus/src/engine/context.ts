import { v7 } from 'uuid';
import type { Context } from '@readmit/domain';
import canonicalize from 'canonicalize';
import { createHash, createPublicKey, verify } from 'node:crypto';

type Crypto = Context['crypto'];

/** Cryptography of decisions: JCS (RFC 8785), SHA-256, Ed25519 over DSSE's PAE. */
export const crypto: Crypto = {
  canonical,
  digest: (value) => createHash('sha256').update(canonical(value), 'utf8').digest('hex'),
  verify: (key, payloadType, text, signature) => {
    const body = Buffer.from(text, 'utf8');
    const pae = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${body.length} `, 'utf8'), body]);
    try {
      return verify(
        null,
        pae,
        createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' }),
        Buffer.from(signature, 'base64url'),
      );
    } catch {
      // Not a key: nothing verifies under it.
      return false;
    }
  },
};

function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only JSON has a canonical form');
  return text;
}

/** A fresh UUIDv7 (RFC 9562), monotonic within the process: ids of one transaction sort in the order in which they were said. */
export const uuidv7 = (): string => v7();
