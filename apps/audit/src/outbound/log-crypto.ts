import { engineCrypto } from '@readmit/signing';
import * as contracts from '@readmit/contracts';
import type { LogTools } from '@readmit/domain';
import { createPublicKey, hash, verify } from 'node:crypto';

const jwkOf = (x: string) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });

/** The cryptography of the log, with node:crypto. */
export const logTools: LogTools = {
  contracts,
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  base64: {
    encode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
    decode: (text) => {
      const bytes = Buffer.from(text, 'base64');
      return bytes.toString('base64') === text ? bytes : undefined;
    },
  },
  ed25519Verify: (publicKey, message, signature) =>
    publicKey.length === 32 &&
    signature.length === 64 &&
    verify(null, message, jwkOf(Buffer.from(publicKey).toString('base64url')), signature),
  crypto: engineCrypto,
};

/** The bytes that an event's signature covers; their SHA-256 is the event's leaf in its batch. */
export function signedEventBytes(environment: string, record: contracts.LeafRecord): Uint8Array {
  const text = contracts.leafText(environment, record);
  const bytes = new Uint8Array(contracts.leafSize(text, record));
  return bytes.subarray(0, contracts.writeLeaf(bytes, text, record));
}
