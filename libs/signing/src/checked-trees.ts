import { hashLength, maxLeaves, nodeHash, placesAbove, type BatchSignature } from '@readmit/contracts';
import { sha256 } from './hashing.js';
import { Recent } from '@readmit/platform';

/** Where the nodes of a level begin in a tree's bytes: 32 leaves, 16 nodes above them, and so on up to the root. */
const levels = Array.from({ length: Math.log2(maxLeaves) + 1 }, (_, level) => 2 * maxLeaves - (2 * maxLeaves) / 2 ** level);
const placeOf = (level: number, at: number): number => (levels[level] ?? 0) + at;

/** The root of a tree of any size: no level has this place. */
const root = 2 * maxLeaves - 1;

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
 * with what is known instead of being hashed up to the root again, by each service that consumes it. What differs anywhere is refused as if nothing were known.
 */
export class CheckedTrees {
  private readonly trees: Recent<Tree>;

  constructor(most = 2048) {
    this.trees = new Recent(most);
  }

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
    const places = placesAbove(index, size);
    if (path.length !== places.length) return false;
    const name = `${mark}|${size}|${latin1(signature)}`;
    const tree = this.trees.get(name);
    const fresh: (readonly [place: number, node: Uint8Array])[] = [];
    let node = leaf;
    let met = false;
    for (const [step, { level, at }] of places.entries()) {
      const sibling = path[step];
      if (sibling?.length !== hashLength) return false;
      const place = placeOf(level, at);
      const siblingPlace = placeOf(level, at ^ 1);
      if (!met && tree?.has(place)) {
        if (!tree.is(place, node)) return false;
        met = true;
      }
      if (met) {
        if (!tree?.is(siblingPlace, sibling)) return false;
      } else {
        fresh.push([place, node], [siblingPlace, sibling]);
        node = at % 2 === 1 ? nodeHash(sha256, sibling, node) : nodeHash(sha256, node, sibling);
      }
    }
    if (met) return true;
    if (!(tree ? tree.is(root, node) : isSigned(node))) return false;
    const keeper = tree ?? new Tree();
    for (const [place, one] of [...fresh, [root, node] as const]) keeper.keep(place, one);
    if (!tree) this.trees.set(name, keeper);
    return true;
  }
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
