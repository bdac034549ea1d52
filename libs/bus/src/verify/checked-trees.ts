import { hashLength, maxLeaves, nodeHash, type BatchSignature } from '@readmit/contracts';
import { sha256 } from '../signing/hashing.js';

/** Where the nodes of a level begin in a tree's bytes: 32 leaves, 16 nodes above them, and so on up to the root. */
const levels = Array.from({ length: Math.log2(maxLeaves) + 1 }, (_, level) => 2 * maxLeaves - (2 * maxLeaves) / 2 ** level);
const placeOf = (level: number, at: number): number => (levels[level] ?? 0) + at;

/** Nodes that a signature is known to cover. Of each pair of siblings both are known or none, and with a node all above it. */
class Tree {
  private readonly bytes = Buffer.allocUnsafeSlow(2 * maxLeaves * hashLength);
  private readonly known = new Uint8Array(2 * maxLeaves);

  has(place: number): boolean {
    return this.known[place] === 1;
  }
  is(place: number, node: Uint8Array): boolean {
    return this.has(place) && this.bytes.compare(node, 0, node.length, place * hashLength, (place + 1) * hashLength) === 0;
  }
  keep(place: number, node: Uint8Array): void {
    this.bytes.set(node, place * hashLength);
    this.known[place] = 1;
  }
}

/**
 * Trees whose signature was verified, the last of them. One verification serves a whole tree, and one hash a record: its path is compared
 * with what is known instead of being hashed up to the root again, by each service that hears it. What differs anywhere is refused as if nothing were known.
 */
export class CheckedTrees {
  private readonly trees = new Map<string, Tree>();

  constructor(private readonly most = 2048) {}

  /**
   * Whether leaf and path lead to the root that the batch's signature is of. `mark`: everything else that the verification depends on, the
   * key and the environment. `isSigned` is asked at most once, with the root, when the tree is not known yet.
   */
  covers(
    mark: string,
    leaf: Uint8Array,
    { index, size, path, signature }: BatchSignature,
    isSigned: (root: Uint8Array) => boolean,
  ): boolean {
    if (index >= size || size > maxLeaves) return false;
    const name = `${mark}|${size}|${latin1(signature)}`;
    const tree = this.trees.get(name);
    const fresh: (readonly [place: number, node: Uint8Array])[] = [];
    let node = leaf;
    let met = false;
    let at = index;
    let last = size - 1;
    let level = 0;
    for (const sibling of path) {
      if (last === 0 || sibling.length !== hashLength) return false;
      // A node without a right sibling moves up unchanged until it is a right child.
      for (; at % 2 === 0 && at === last; level++) at = last = at / 2;
      const place = placeOf(level, at);
      const beside = placeOf(level, at % 2 === 1 ? at - 1 : at + 1);
      if (!met && tree?.has(place)) {
        if (!tree.is(place, node)) return false;
        met = true;
      }
      if (met) {
        if (!tree?.is(beside, sibling)) return false;
      } else {
        fresh.push([place, node], [beside, sibling]);
        node = at % 2 === 1 ? nodeHash(sha256, sibling, node) : nodeHash(sha256, node, sibling);
      }
      at = Math.floor(at / 2);
      last = Math.floor(last / 2);
      level++;
    }
    if (last !== 0) return false;
    const top = placeOf(level, 0);
    if (!met && !(tree ? tree.is(top, node) : isSigned(node))) return false;
    const keeper = tree ?? new Tree();
    if (!met) keeper.keep(top, node);
    for (const [place, one] of fresh) keeper.keep(place, one);
    this.remember(name, keeper);
    return true;
  }

  private remember(name: string, tree: Tree): void {
    this.trees.delete(name);
    this.trees.set(name, tree);
    if (this.trees.size > this.most)
      for (const oldest of this.trees.keys()) {
        this.trees.delete(oldest);
        break;
      }
  }
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
