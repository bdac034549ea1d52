import { leafSize, leafText, writeLeaf, type LeafRecord, type Sha256 } from '@readmit/contracts';
import { createHash, hash } from 'node:crypto';

/** `crypto.hash` costs about half of `createHash` for bytes of this size. */
export const sha256: Sha256 = (bytes) => hash('sha256', bytes, 'buffer');

let scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** RFC 6962 leaf hash of a record; the bytes are put together in one buffer that all calls share. */
export function recordLeafHash(environment: string, record: LeafRecord): Uint8Array {
  const text = leafText(environment, record);
  const needed = leafSize(text, record);
  if (needed > scratch.length) scratch = Buffer.allocUnsafeSlow(needed * 2);
  const length = writeLeaf(scratch, text, record);
  return sha256(scratch.subarray(0, length));
}

/** Key id: the first 8 bytes of the SHA-256 of the raw public key, hex. `x` is the JWK's. */
export const keyIdOf = (x: string): string => createHash('sha256').update(Buffer.from(x, 'base64url')).digest('hex').slice(0, 16);
