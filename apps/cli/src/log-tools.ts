import { createHash, createHmac, createPublicKey, verify } from 'node:crypto';
import * as contracts from '@readmit/contracts';
import type { Crypto, LogTools } from '@readmit/domain';
import { canonical, digestOf } from './keys.js';
import { preAuthenticationEncoding } from './sign.js';

/** Ed25519 with a raw public key; false for whatever is not a good signature, including keys that are none. */
export function verifiesEd25519(x: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature);
  } catch {
    // The bytes come from the file under judgement: unusable bytes are a bad signature, and the verifier reports it.
    return false;
  }
}

export const crypto: Crypto = {
  digest: digestOf,
  canonical,
  hmac: (key, text) => createHmac('sha256', key).update(text, 'utf8').digest('hex'),
  verify: (key, payloadType, text, signature) =>
    verifiesEd25519(key, preAuthenticationEncoding(payloadType, text), Buffer.from(signature, 'base64url')),
};

/** What the offline verifier computes with. */
export const logTools: LogTools = {
  contracts,
  base64: {
    encode: (bytes) => Buffer.from(bytes).toString('base64'),
    decode: (text) => {
      const bytes = Buffer.from(text, 'base64');
      return bytes.toString('base64') === text ? bytes : undefined;
    },
  },
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  ed25519Verify: (publicKey, message, signature) => verifiesEd25519(Buffer.from(publicKey).toString('base64url'), message, signature),
  crypto,
};
