/**
 * The signature of a batch and its encoding in the header `readmit-signature` (base64 of one binary):
 *
 *   version 0x01 | key id (8) | index | size | path (32 each, leaf upwards) | Ed25519 signature (64)
 *
 * The signature is over DSSE's PAE of the tree: netstring of the environment, netstring of the number of leaves, root (32).
 * Each event carries its whole proof, about 235 bytes, and can be verified by itself, years later.
 */
import { hashLength, nodeHash, type Sha256 } from '../merkle.js';

/** At most this many leaves per tree, so that the path of an event has at most five hashes. */
export const maxLeaves = 32;
export const batchPayloadType = 'application/vnd.readmit.batch.v1';
export const keyIdLength = 8;
const signatureLength = 64;
const versionByte = 1;
const fixed = 1 + keyIdLength + 2;

export interface BatchSignature {
  /** First 8 bytes of the SHA-256 of the raw public key. */
  readonly keyId: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly path: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

export function encodeBatchSignature(batch: BatchSignature): Uint8Array {
  const bytes = new Uint8Array(fixed + batch.path.length * hashLength + signatureLength);
  bytes[0] = versionByte;
  bytes.set(batch.keyId, 1);
  bytes[9] = batch.index;
  bytes[10] = batch.size;
  batch.path.forEach((hash, at) => bytes.set(hash, fixed + at * hashLength));
  bytes.set(batch.signature, bytes.length - signatureLength);
  return bytes;
}

/** `undefined` if the bytes are not a batch signature. Returns views into `bytes`, not copies. */
export function decodeBatchSignature(bytes: Uint8Array): BatchSignature | undefined {
  const pathBytes = bytes.length - fixed - signatureLength;
  if (pathBytes < 0 || pathBytes % hashLength !== 0 || bytes[0] !== versionByte) return undefined;
  const index = bytes[9] ?? 0;
  const size = bytes[10] ?? 0;
  if (size < 1 || size > maxLeaves || index >= size) return undefined;
  const path: Uint8Array[] = [];
  for (let at = fixed; at < fixed + pathBytes; at += hashLength) path.push(bytes.subarray(at, at + hashLength));
  return { keyId: bytes.subarray(1, 1 + keyIdLength), index, size, path, signature: bytes.subarray(bytes.length - signatureLength) };
}

/** The bytes that Ed25519 signs: DSSE v1 pre-authentication encoding of the tree. */
export function batchPae(environment: string, size: number, root: Uint8Array): Uint8Array {
  const head = `${environment.length}:${environment},${String(size).length}:${size},`;
  const text = new TextEncoder().encode(`DSSEv1 ${batchPayloadType.length} ${batchPayloadType} ${head.length + root.length} ${head}`);
  const bytes = new Uint8Array(text.length + root.length);
  bytes.set(text);
  bytes.set(root, text.length);
  return bytes;
}

/**
 * Computes the root and every leaf's path in one pass with n - 1 node hashes: each level is paired from the left and an odd last node
 * moves up. This is the tree of RFC 6962, whose splits at the largest power of two give the same pairs.
 */
export function treeWithPaths(
  sha256: Sha256,
  leafHashes: readonly Uint8Array[],
): { readonly root: Uint8Array; readonly paths: readonly (readonly Uint8Array[])[] } {
  const paths: Uint8Array[][] = leafHashes.map(() => []);
  let level = [...leafHashes];
  for (let depth = 0; level.length > 1; depth += 1) {
    const width = 2 ** depth;
    paths.forEach((path, leaf) => {
      const sibling = level[Math.floor(leaf / width) ^ 1];
      if (sibling) path.push(sibling);
    });
    const above: Uint8Array[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const left = level[at];
      const right = level[at + 1];
      if (left) above.push(right ? nodeHash(sha256, left, right) : left);
    }
    level = above;
  }
  const root = level[0];
  if (!root) throw new RangeError('a tree needs at least one leaf');
  return { root, paths };
}
