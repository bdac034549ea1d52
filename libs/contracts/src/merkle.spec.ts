import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import {
  consistencyProof,
  Frontier,
  inclusionPath,
  leafHash,
  merkleRoot,
  nodeHash,
  rootFromInclusion,
  verifyConsistency,
} from './merkle.js';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map((text) =>
  Buffer.from(text, 'hex'),
);
const leaves = entries.map((entry) => leafHash(sha256, entry));
const treeOf = (size: number) => Array.from({ length: size }, (_, index) => leafHash(sha256, Buffer.from([index])));

/** RFC 6962 section 2.1, implemented literally, to compare with. */
function definedRoot(list: readonly Uint8Array[]): Uint8Array {
  const [only] = list;
  if (!only) return sha256(Buffer.alloc(0));
  if (list.length === 1) return only;
  const split = 2 ** Math.ceil(Math.log2(list.length) - 1);
  return nodeHash(sha256, definedRoot(list.slice(0, split)), definedRoot(list.slice(split)));
}

describe('RFC 6962 test vectors', () => {
  it.each([
    [0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    [2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    [3, 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
    [5, '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
    [7, 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
    [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
  ])('the root of %d leaves', (size, root) => {
    expect(hex(merkleRoot(sha256, leaves.slice(0, size)))).toBe(root);
    const frontier = new Frontier(sha256);
    for (const leaf of leaves.slice(0, size)) frontier.append(leaf);
    expect(hex(frontier.root())).toBe(root);
  });

  it('inclusion of leaf 5 in 8', () => {
    expect(inclusionPath(sha256, leaves, 5).map(hex)).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ]);
  });

  it.each([
    [
      3,
      [
        '0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7',
        '07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7',
        'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
        '837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e',
      ],
    ],
    [4, ['837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e']],
  ])('consistency of %d in 7', (size, proof) => {
    expect(consistencyProof(sha256, leaves.slice(0, 7), size).map(hex)).toEqual(proof);
  });
});

describe('Merkle tree', () => {
  it('every index of every size up to 70 is proved by its path and by no other index', () => {
    for (let size = 1; size <= 70; size += 1) {
      const tree = treeOf(size);
      const root = hex(definedRoot(tree));
      expect(hex(merkleRoot(sha256, tree))).toBe(root);
      tree.forEach((leaf, index) => {
        const path = inclusionPath(sha256, tree, index);
        expect(hex(rootFromInclusion(sha256, leaf, index, size, path))).toBe(root);
        if (size > 1) expect(hex(rootFromInclusion(sha256, leaf, (index + 1) % size, size, path))).not.toBe(root);
      });
    }
  });

  it('a path that is too long or too short gives no root', () => {
    const tree = treeOf(11);
    tree.forEach((leaf, index) => {
      const path = inclusionPath(sha256, tree, index);
      expect(rootFromInclusion(sha256, leaf, index, 11, path.slice(1))).toBeUndefined();
      expect(rootFromInclusion(sha256, leaf, index, 11, [...path, leaf])).toBeUndefined();
    });
    expect(rootFromInclusion(sha256, leaves[0] ?? new Uint8Array(), 11, 11, [])).toBeUndefined();
  });

  it('every prefix of every size up to 70 is consistent, and with another root it is not', () => {
    for (let size = 0; size <= 70; size += 1) {
      const tree = treeOf(size);
      const later = { size, root: definedRoot(tree) };
      for (let prefix = 0; prefix <= size; prefix += 1) {
        const proof = consistencyProof(sha256, tree, prefix);
        const earlier = { size: prefix, root: definedRoot(tree.slice(0, prefix)) };
        expect(verifyConsistency(sha256, earlier, later, proof)).toBe(true);
        expect(verifyConsistency(sha256, { size: prefix, root: sha256(Buffer.from('another')) }, later, proof)).toBe(false);
        // Any tree is consistent with the empty one.
        expect(verifyConsistency(sha256, earlier, { size, root: sha256(Buffer.from('another')) }, proof)).toBe(prefix === 0 && size > 0);
      }
    }
  });

  it('a consistency proof with a changed, missing or additional hash is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 70 }), fc.nat(), fc.nat(), (size, pick, at) => {
        const tree = treeOf(size);
        const prefix = 1 + (pick % (size - 1));
        const proof = consistencyProof(sha256, tree, prefix);
        const earlier = { size: prefix, root: merkleRoot(sha256, tree.slice(0, prefix)) };
        const later = { size, root: merkleRoot(sha256, tree) };
        const changed = proof.map((hash, index) => (index === at % proof.length ? sha256(hash) : hash));
        expect(verifyConsistency(sha256, earlier, later, proof)).toBe(true);
        expect(verifyConsistency(sha256, earlier, later, changed)).toBe(false);
        expect(verifyConsistency(sha256, earlier, later, proof.slice(1))).toBe(false);
        expect(verifyConsistency(sha256, earlier, later, [...proof, sha256(Buffer.alloc(1))])).toBe(false);
      }),
    );
  });

  it('a frontier continues from its bytes as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 70 }), (before, after) => {
        const tree = treeOf(before + after);
        const first = new Frontier(sha256);
        for (const leaf of tree.slice(0, before)) first.append(leaf);
        const second = Frontier.restore(sha256, first.size, first.serialise());
        for (const leaf of tree.slice(before)) second.append(leaf);
        expect(second.size).toBe(before + after);
        expect(hex(second.root())).toBe(hex(merkleRoot(sha256, tree)));
        expect(first.size).toBe(before);
      }),
    );
  });

  it('a frontier refuses bytes that are not one of its size', () => {
    expect(() => Frontier.restore(sha256, 3, new Uint8Array(32))).toThrow('a frontier of size 3 has 2 hashes, not 1');
    expect(() => Frontier.restore(sha256, 1, new Uint8Array(31))).toThrow('multiple of 32 bytes');
    expect(Frontier.restore(sha256, 2, new Uint8Array(32)).size).toBe(2);
  });
});
