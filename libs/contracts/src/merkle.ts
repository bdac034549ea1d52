/**
 * The Merkle tree of RFC 6962 section 2.1: leaf = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right), split at the
 * largest power of two below n, the empty tree is SHA-256(""). Batch signatures of events and the audit log are both such trees and share
 * these functions. SHA-256 is passed in, so that this file needs no crypto library.
 */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** Length of a hash in bytes. */
export const hashLength = 32;

/** Hash of an entry; the prefix prevents an entry from being used as an inner node. */
export function leafHash(sha256: Sha256, entry: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + entry.length);
  bytes.set(entry, 1);
  return sha256(bytes);
}

/** Shared buffer for the input of inner nodes: an event has up to five, and each would allocate otherwise. */
const pair = new Uint8Array(1 + 2 * hashLength);
pair[0] = 1;

/** Hash of an inner node. `sha256` MUST NOT keep a reference to its input. */
export function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === hashLength && right.length === hashLength) {
    pair.set(left, 1);
    pair.set(right, 1 + hashLength);
    return sha256(pair);
  }
  const bytes = new Uint8Array(1 + 2 * hashLength);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 1 + hashLength);
  return sha256(bytes);
}

/** Root over leaf hashes, in order. */
export function merkleRoot(sha256: Sha256, leafHashes: readonly Uint8Array[]): Uint8Array {
  return rootOf(sha256, leafHashes, 0, leafHashes.length);
}

/** The sibling hashes from the leaf up to the root. @throws {RangeError} if there is no such index. */
export function inclusionPath(sha256: Sha256, leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leafHashes.length)
    throw new RangeError(`no leaf ${index} in a tree of ${leafHashes.length}`);
  const path: Uint8Array[] = [];
  let from = 0;
  let to = leafHashes.length;
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(rootOf(sha256, leafHashes, middle, to));
      to = middle;
    } else {
      path.push(rootOf(sha256, leafHashes, from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** Positions of the nodes from a leaf to the root, leaf first: level and index within it. The sibling of each is at `at ^ 1`. */
export function placesAbove(index: number, size: number): readonly { readonly level: number; readonly at: number }[] {
  const places: { level: number; at: number }[] = [];
  let at = index;
  let last = size - 1;
  for (let level = 0; last > 0; level++) {
    // A node without a right sibling moves up unchanged.
    if (at % 2 === 1 || at !== last) places.push({ level, at });
    at = half(at);
    last = half(last);
  }
  return places;
}

/** The root computed from leaf and path; `undefined` unless the path has exactly the length that index and size require. */
export function rootFromInclusion(
  sha256: Sha256,
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (!isSize(index) || !isSize(size) || index >= size || leaf.length !== hashLength) return undefined;
  const places = placesAbove(index, size);
  if (path.length !== places.length || path.some((sibling) => sibling.length !== hashLength)) return undefined;
  return path.reduce(
    (node, sibling, step) => ((places[step]?.at ?? 0) % 2 === 1 ? nodeHash(sha256, sibling, node) : nodeHash(sha256, node, sibling)),
    leaf,
  );
}

/** Proof that the tree of the first `size` leaves is a prefix of the whole tree. @throws {RangeError} if `size` is out of range. */
export function consistencyProof(sha256: Sha256, leafHashes: readonly Uint8Array[], size: number): Uint8Array[] {
  if (!isSize(size) || size > leafHashes.length) throw new RangeError(`no prefix of ${size} in a tree of ${leafHashes.length}`);
  const proof: Uint8Array[] = [];
  if (size === 0 || size === leafHashes.length) return proof;
  let from = 0;
  let to = leafHashes.length;
  let known = true;
  while (size !== to) {
    const middle = from + largestPowerBelow(to - from);
    if (size <= middle) {
      proof.push(rootOf(sha256, leafHashes, middle, to));
      to = middle;
    } else {
      proof.push(rootOf(sha256, leafHashes, from, middle));
      from = middle;
      known = false;
    }
  }
  if (!known) proof.push(rootOf(sha256, leafHashes, from, to));
  return proof.reverse();
}

export interface SizedRoot {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the proof shows that `later` is `earlier` with leaves appended. */
export function verifyConsistency(sha256: Sha256, earlier: SizedRoot, later: SizedRoot, proof: readonly Uint8Array[]): boolean {
  if (!isSize(earlier.size) || !isSize(later.size) || earlier.size > later.size) return false;
  if (proof.some((hash) => hash.length !== hashLength)) return false;
  if (earlier.size === later.size) return proof.length === 0 && sameBytes(earlier.root, later.root);
  if (earlier.size === 0) return proof.length === 0 && sameBytes(earlier.root, sha256(new Uint8Array()));
  let at = earlier.size - 1;
  let last = later.size - 1;
  while (at % 2 === 1) {
    at = half(at);
    last = half(last);
  }
  // A prefix that is a complete subtree is a node of the later tree, so its root is the first hash and not part of the proof.
  const hashes = at === 0 ? [earlier.root, ...proof] : proof;
  const [first, ...rest] = hashes;
  if (!first) return false;
  let small = first;
  let large = first;
  for (const hash of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      small = nodeHash(sha256, hash, small);
      large = nodeHash(sha256, hash, large);
      while (at % 2 === 0 && at !== 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      large = nodeHash(sha256, large, hash);
    }
    at = half(at);
    last = half(last);
  }
  return last === 0 && sameBytes(small, earlier.root) && sameBytes(large, later.root);
}

/**
 * The right edge of a growing tree: the roots of its perfect subtrees, largest first. log2(n) hashes are enough to append and to compute
 * the root, so a log of any size can continue after a restart without reading its entries.
 */
export class Frontier {
  private count: number;
  private readonly peaks: Uint8Array[];

  constructor(
    private readonly sha256: Sha256,
    start: { readonly size: number; readonly hashes: readonly Uint8Array[] } = { size: 0, hashes: [] },
  ) {
    if (!isSize(start.size) || start.hashes.length !== bitsSet(start.size))
      throw new RangeError(`a frontier of size ${start.size} has ${bitsSet(start.size)} hashes, not ${start.hashes.length}`);
    this.count = start.size;
    this.peaks = [...start.hashes];
  }

  /** Reads the result of `serialise()`. @throws {RangeError} if the bytes are not a frontier of that size. */
  static restore(sha256: Sha256, size: number, bytes: Uint8Array): Frontier {
    if (bytes.length % hashLength !== 0) throw new RangeError(`a frontier is a multiple of ${hashLength} bytes, not ${bytes.length}`);
    const hashes: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += hashLength) hashes.push(bytes.slice(at, at + hashLength));
    return new Frontier(sha256, { size, hashes });
  }

  get size(): number {
    return this.count;
  }

  /** Adds the hash of the next leaf. */
  append(leaf: Uint8Array): void {
    let node = leaf;
    for (let carry = this.count; carry % 2 === 1; carry = half(carry)) {
      const left = this.peaks.pop();
      if (!left) throw new Error(`this is a bug: a frontier of size ${this.count} has lost a hash`);
      node = nodeHash(this.sha256, left, node);
    }
    this.peaks.push(node);
    this.count += 1;
  }

  root(): Uint8Array {
    let node: Uint8Array | undefined;
    for (let at = this.peaks.length - 1; at >= 0; at -= 1) {
      const peak = this.peaks[at];
      if (peak) node = node ? nodeHash(this.sha256, peak, node) : peak;
    }
    return node ?? this.sha256(new Uint8Array());
  }

  /** The concatenated hashes, largest subtree first; the size must be stored with them. */
  serialise(): Uint8Array {
    const bytes = new Uint8Array(this.peaks.length * hashLength);
    this.peaks.forEach((peak, at) => bytes.set(peak, at * hashLength));
    return bytes;
  }

  /** A copy to try appends on. */
  copy(): Frontier {
    return new Frontier(this.sha256, { size: this.count, hashes: this.peaks });
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function rootOf(sha256: Sha256, leaves: readonly Uint8Array[], from: number, to: number): Uint8Array {
  if (to === from) return sha256(new Uint8Array());
  const only = leaves[from];
  if (to - from === 1 && only) return only;
  const middle = from + largestPowerBelow(to - from);
  return nodeHash(sha256, rootOf(sha256, leaves, from, middle), rootOf(sha256, leaves, middle, to));
}

/** Largest power of two below n, for n above 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

const half = (n: number): number => Math.floor(n / 2);
const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
function bitsSet(n: number): number {
  let bits = 0;
  for (let rest = n; rest > 0; rest = half(rest)) bits += rest % 2;
  return bits;
}
