/** The format of batch signatures against vectors that are checked in: who changes a byte of it can no longer verify what was signed. */
import { describe, expect, it } from '@jest/globals';
import {
  decodeBatchSignature,
  encodeBatchSignature,
  inclusionPath,
  leafHash,
  leafText,
  merkleRoot,
  rootFromInclusion,
  treeWithPaths,
  writeEnvelope,
  writeLeaf,
} from '@readmit/contracts';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { OutgoingRecord } from '@readmit/bus';
import { CheckedTrees } from './checked-trees.js';
import { keyGraceMs, verifyRecord } from './verify-record.js';
import { recordLeafHash, sha256 } from './hashing.js';
import { KeyRing, loadKeyRing, makeServiceKeys, makeSigningKey, signKeyList } from './key-ring.js';
import { Signer, type PrivateJwk } from './signer.js';

interface Vectors {
  readonly environment: string;
  readonly key: PrivateJwk;
  readonly kid: string;
  readonly records: readonly {
    readonly topic: string;
    readonly key: string;
    readonly headers: Record<string, string>;
    readonly value: string;
    readonly leaf: string;
    readonly signature: string;
  }[];
}
const vectors = JSON.parse(readFileSync(path.resolve('libs/contracts/samples/signatures/batch-v1.json'), 'utf8')) as Vectors;
const now = new Date('2026-11-22T12:00:00.000Z');
const keys = makeServiceKeys(new Date('2026-11-01T00:00:00.000Z'));
const signer = new Signer(keys.keys.approval);
const ring = new KeyRing(keys.list);

const record = (at: number, value = `{"caseId":"case-${at}","by":"ada"}`): OutgoingRecord => ({
  topic: 'readmit.approval.v1',
  key: `case-${at}`,
  headers: writeEnvelope({
    id: `event-${at}`,
    environment: 'spec',
    service: 'approval',
    type: 'readmit.approval.withdrawn',
    time: '2026-11-22T09:30:00.000Z',
    subject: `case-${at}`,
    version: '1',
    correlationId: `case-${at}`,
  }),
  value: Buffer.from(value),
});
const fate = (one: OutgoingRecord | undefined, options: { ring?: KeyRing; now?: Date } = {}) => {
  if (!one) throw new Error('no record');
  const verified = verifyRecord(one, { ring, environment: 'spec', now, checked: new CheckedTrees(), ...options });
  return verified.ok ? 'taken' : verified.reason;
};

describe('the vectors', () => {
  it('give the same leaf hashes and signatures', () => {
    const records = vectors.records.map(({ topic, key, headers, value }) => ({ topic, key, headers, value: Buffer.from(value, 'base64') }));
    const vectorSigner = new Signer(vectors.key);
    expect(vectorSigner.kid).toBe(vectors.kid);
    expect(records.map((one) => Buffer.from(recordLeafHash(vectors.environment, one)).toString('hex'))).toEqual(
      vectors.records.map(({ leaf }) => leaf),
    );
    expect(vectorSigner.sign(vectors.environment, records).map(({ headers }) => headers['readmit-signature'])).toEqual(
      vectors.records.map(({ signature }) => signature),
    );
  });
});

describe('a batch signature', () => {
  it('lets each of any number of events verify alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), (count) => {
        const signed = signer.sign(
          'spec',
          Array.from({ length: count }, (_, at) => record(at)),
        );
        expect(signed.map((one) => fate(one))).toEqual(signed.map(() => 'taken'));
      }),
      { numRuns: 15 },
    );
  });
  it('fails for any byte of it that changes, and for any byte of the value', () => {
    const [one] = signer.sign('spec', [record(1), record(2), record(3)]);
    if (!one) throw new Error('nothing signed');
    expect(fate(one)).toBe('taken');
    const bytes = Buffer.from(one.headers['readmit-signature'] ?? '', 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const bad = Buffer.from(bytes);
      bad[at] = (bad[at] ?? 0) ^ 1;
      expect(fate({ ...one, headers: { ...one.headers, 'readmit-signature': bad.toString('base64') } })).toBe(
        at >= 1 && at <= 8 ? 'unknown-key' : 'bad-signature',
      );
    }
    for (let at = 0; at < one.value.length; at++) {
      const value = Buffer.from(one.value);
      value[at] = (value[at] ?? 0) ^ 1;
      expect(fate({ ...one, value })).toBe('bad-signature');
    }
  });
  it('checks a root once for its whole tree, but every signature, so a broken one over a known root is found', () => {
    const checked = new CheckedTrees();
    const signed = signer.sign(
      'spec',
      Array.from({ length: 32 }, (_, at) => record(at)),
    );
    const options = { ring, environment: 'spec', now, checked };
    expect(signed.map((one) => verifyRecord(one, options).ok)).toEqual(signed.map(() => true));
    const [one] = signed;
    if (!one) throw new Error('nothing signed');
    const bytes = Buffer.from(one.headers['readmit-signature'] ?? '', 'base64');
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    expect(verifyRecord({ ...one, headers: { ...one.headers, 'readmit-signature': bytes.toString('base64') } }, options)).toMatchObject({
      ok: false,
      reason: 'bad-signature',
    });
  });
  it('is the tree of RFC 6962, with the paths of its proofs', () => {
    for (let size = 1; size <= 33; size++) {
      const leaves = Array.from({ length: size }, (_, at) => leafHash(sha256, Buffer.from([at])));
      const { root, paths } = treeWithPaths(sha256, leaves);
      expect(root).toEqual(merkleRoot(sha256, leaves));
      leaves.forEach((leaf, at) => {
        expect(paths[at]).toEqual(inclusionPath(sha256, leaves, at));
        expect(rootFromInclusion(sha256, leaf, at, size, paths[at] ?? [])).toEqual(root);
      });
    }
  });
  it('survives its binary form, and decoding refuses what is not one', () => {
    const batch = {
      keyId: new Uint8Array(8).fill(7),
      index: 3,
      size: 5,
      path: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)],
      signature: new Uint8Array(64).fill(9),
    };
    const bytes = encodeBatchSignature(batch);
    expect(decodeBatchSignature(bytes)).toEqual(batch);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => decodeBatchSignature(noise) === undefined || noise[0] === 1));
    expect(decodeBatchSignature(bytes.subarray(1))).toBeUndefined();
  });
  it('covers text that no other record has', () => {
    // Few pieces, all of them with a part in the format, so that boundaries could be mistaken often.
    const text = fc.array(fc.constantFrom('0', '1', ':', ',', 'ce_', '1:0,'), { maxLength: 3 }).map((pieces) => pieces.join(''));
    const parts = fc.record({
      topic: text,
      key: text,
      headers: fc.dictionary(
        text.map((name) => `ce_${name}`),
        text,
        { maxKeys: 2, noNullPrototype: true },
      ),
      value: text.map((value) => Buffer.from(value)),
    });
    const bytesOf = (one: Parameters<typeof leafText>[1]) => {
      const target = Buffer.alloc(1000);
      return target.subarray(0, writeLeaf(target, leafText('spec', one), one)).toString('latin1');
    };
    const normal = (one: Parameters<typeof leafText>[1]) =>
      JSON.stringify([one.topic, one.key, Object.entries(one.headers).sort(), [...one.value]]);
    fc.assert(
      fc.property(parts, parts, (a, b) => (bytesOf(a) === bytesOf(b)) === (normal(a) === normal(b))),
      { numRuns: 2000 },
    );
  });
  it('never throws, whatever the record', () => {
    const anything = fc.record({
      topic: fc.string(),
      key: fc.string(),
      headers: fc.dictionary(fc.string(), fc.string()),
      value: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(fc.property(anything, (one) => fate(one as OutgoingRecord) !== 'taken'));
  });
});

describe('the key list', () => {
  const root = makeSigningKey();
  it('is believed only from its root', async () => {
    const text = await signKeyList(keys.list, root.private);
    expect((await loadKeyRing(text, root.public)).get(signer.kid)?.owner).toBe('approval');
    await expect(loadKeyRing(text, makeSigningKey().public)).rejects.toThrow('not signed by the configured root key');
  });
  it('refuses a key under an id that is not its own', async () => {
    const [first] = keys.list.keys;
    if (!first) throw new Error('no keys');
    await expect(signKeyList({ ...keys.list, keys: [{ ...first, kid: '0'.repeat(16) }] }, root.private)).rejects.toThrow(
      'its id is not that of its key',
    );
  });
  it('is not replaced by an older one', () => {
    const later = new KeyRing({ ...keys.list, issuedAt: '2026-11-20T00:00:00.000Z' });
    expect(() => later.adopt(ring)).toThrow('older than the one in use');
  });
  it('bounds a key in time, half open, and a revoked key counts for nothing that arrives later', () => {
    const [one] = signer.sign('spec', [record(1)]);
    const withKey = (change: object) => new KeyRing({ ...keys.list, keys: keys.list.keys.map((entry) => ({ ...entry, ...change })) });
    expect(fate(one, { ring: withKey({ notBefore: '2026-11-22T09:30:00.000Z' }) })).toBe('taken');
    expect(fate(one, { ring: withKey({ notBefore: '2026-11-22T09:30:00.001Z' }) })).toBe('key-not-valid-then');
    const soon = one && { ...one, arrivedAt: Date.parse('2026-11-22T09:30:01.000Z') };
    expect(fate(soon, { ring: withKey({ notAfter: '2026-11-22T09:30:00.001Z' }) })).toBe('taken');
    expect(fate(one, { ring: withKey({ notAfter: '2026-11-22T09:30:00.000Z' }) })).toBe('key-not-valid-then');
    expect(fate(one, { ring: withKey({ revokedAt: '2026-11-22T12:00:00.001Z' }) })).toBe('taken');
    expect(fate(one, { ring: withKey({ revokedAt: '2026-11-22T12:00:00.000Z' }) })).toBe('key-not-valid-then');
  });
  it('R8.3 a key that has ended signs nothing new: what arrives after the grace is refused, whatever time it claims', () => {
    const [one] = signer.sign('spec', [record(1)]);
    if (!one) throw new Error('nothing signed');
    const end = '2026-11-22T10:00:00.000Z';
    const ended = new KeyRing({ ...keys.list, keys: keys.list.keys.map((entry) => ({ ...entry, notAfter: end })) });
    const arriving = (after: number) => ({ ...one, arrivedAt: Date.parse(end) + after });
    const options = { ring: ended, environment: 'spec', now: new Date('2026-11-30T00:00:00.000Z'), checked: new CheckedTrees() };
    expect(keyGraceMs).toBe(15 * 60_000);
    expect(verifyRecord(arriving(keyGraceMs), options).ok).toBe(true);
    expect(verifyRecord(arriving(keyGraceMs + 1), options)).toEqual({
      ok: false,
      reason: 'key-ended',
      message: `key ${signer.kid} ended at ${end} and this came at 2026-11-22T10:15:00.001Z; re-drive it if its service had said it before the end`,
    });
    // Nobody says when it came: then it comes now.
    expect(verifyRecord(one, options)).toMatchObject({ ok: false, reason: 'key-ended' });
    expect(verifyRecord(one, { ...options, now: new Date(Date.parse(end) + keyGraceMs) }).ok).toBe(true);
    // An operator answers for what is re-driven, but not for an event that claims to be of after the end.
    expect(verifyRecord(arriving(keyGraceMs + 1), { ...options, replayed: true }).ok).toBe(true);
    const [late] = signer.sign('spec', [{ ...record(2), headers: { ...record(2).headers, ce_time: end } }]);
    expect(verifyRecord({ ...(late ?? one), arrivedAt: Date.parse(end) }, { ...options, replayed: true })).toMatchObject({
      ok: false,
      reason: 'key-not-valid-then',
    });
  });
});
