import { describe, expect, it } from '@jest/globals';
import { leafHash, maxLeaves, rootFromInclusion, treeWithPaths, type BatchSignature } from '@readmit/contracts';
import fc from 'fast-check';
import { sha256 } from './hashing.js';
import { CheckedTrees } from './checked-trees.js';

const treeOf = (size: number, salt = 0) => {
  const leaves = Array.from({ length: size }, (_, at) => leafHash(sha256, Buffer.from([salt, at])));
  const { root, paths } = treeWithPaths(sha256, leaves);
  const signature = new Uint8Array(64).fill(salt);
  const batchOf = (index: number): BatchSignature => ({ keyId: new Uint8Array(8), index, size, path: paths[index] ?? [], signature });
  return { leaves, root: Buffer.from(root), batchOf };
};
const flipped = (bytes: Uint8Array | undefined, bit: number): Uint8Array => {
  const copy = Uint8Array.from(bytes ?? []);
  copy[bit % copy.length] = (copy[bit % copy.length] ?? 0) ^ 1;
  return copy;
};

describe('trees that were checked', () => {
  it('R8.3 give the verdict of hashing up to the root, for every size, in any order, whatever is wrong with a record', () => {
    const visits = fc.array(
      fc.record({ at: fc.nat(), how: fc.constantFrom('genuine', 'leaf', 'path', 'index', 'cut', 'longer'), bit: fc.nat() }),
      {
        minLength: 1,
        maxLength: 80,
      },
    );
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: maxLeaves }), visits, (size, all) => {
        const { leaves, root, batchOf } = treeOf(size);
        const trees = new CheckedTrees();
        for (const { at, how, bit } of all) {
          const index = at % size;
          const good = batchOf(index);
          const leaf = how === 'leaf' ? flipped(leaves[index], bit) : (leaves[index] ?? new Uint8Array());
          const path = [...good.path];
          if (how === 'path' && path.length > 0) path[bit % path.length] = flipped(path[bit % path.length], bit);
          if (how === 'cut') path.pop();
          if (how === 'longer') path.push(root);
          const batch = { ...good, path, index: how === 'index' ? bit % (size + 1) : index };
          const plain = rootFromInclusion(sha256, leaf, batch.index, size, path);
          const expected = plain !== undefined && root.equals(plain);
          expect(trees.covers('key', leaf, batch, (one) => root.equals(one))).toBe(expected);
          seen[expected ? 'taken' : 'refused']++;
        }
      }),
      { numRuns: 400, seed: 20261130 },
    );
    // Both kinds were among them, many times.
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(400);
  });

  it('R8.3 ask for the signature once a tree, and again for another key, size or signature', () => {
    const { leaves, root, batchOf } = treeOf(maxLeaves);
    const trees = new CheckedTrees();
    let asked = 0;
    const covers = (mark: string, index: number, change: Partial<BatchSignature> = {}) =>
      trees.covers(mark, leaves[index] ?? new Uint8Array(), { ...batchOf(index), ...change }, (one) => {
        asked++;
        return root.equals(one) && change.signature === undefined;
      });
    expect(leaves.map((_, index) => covers('key', index))).toEqual(leaves.map(() => true));
    expect(asked).toBe(1);
    expect([covers('another key', 3), asked]).toEqual([true, 2]);
    expect([covers('key', 3, { signature: new Uint8Array(64).fill(9) }), asked]).toEqual([false, 3]);
    // What was refused is not known afterwards.
    expect([covers('key', 3, { signature: new Uint8Array(64).fill(9) }), asked]).toEqual([false, 4]);
    // The same root of another size is another statement: its signature is looked at.
    covers('key', 3, { size: maxLeaves - 1 });
    expect([covers('key', 3), asked]).toEqual([true, 5]);
  });

  it('forget the tree that was used longest ago', () => {
    const [first, second, third] = [treeOf(2, 1), treeOf(2, 2), treeOf(2, 3)];
    const trees = new CheckedTrees(2);
    let asked = 0;
    const covers = ({ leaves, batchOf }: ReturnType<typeof treeOf>) =>
      trees.covers('key', leaves[0] ?? new Uint8Array(), batchOf(0), () => (asked += 1) > 0);
    for (const one of [first, second, first, third, first]) covers(one);
    expect(asked).toBe(3);
    covers(second);
    expect(asked).toBe(4);
  });
});
