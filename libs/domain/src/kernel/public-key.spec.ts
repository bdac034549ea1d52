/** Which public keys are accepted, compared with OpenSSL for the same bytes. */
import { describe, expect, it } from '@jest/globals';
import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { isSealingKey, isSigningKey, recipientKeyFault } from './public-key.js';

const ownKey = generateKeyPairSync('x25519').privateKey;
const agrees = (x: string): boolean => {
  try {
    diffieHellman({ privateKey: ownKey, publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' }) });
    return true;
  } catch {
    return false;
  }
};
const fresh = (kind: 'x25519' | 'ed25519'): string => {
  const { publicKey } = kind === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ed25519');
  return String(publicKey.export({ format: 'jwk' }).x);
};
const small = ['00'.repeat(32), `01${'00'.repeat(31)}`, ...['ec', 'ed', 'ee'].map((first) => `${first}${'ff'.repeat(30)}7f`)].concat(
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
);
const bytesOf = (hex: string, topBit: boolean): string => {
  const bytes = Buffer.from(hex, 'hex');
  if (topBit) bytes.writeUInt8((bytes[31] ?? 0) | 0x80, 31);
  return bytes.toString('base64url');
};

describe('a public key', () => {
  it('is taken when it was made as one', () => {
    for (let count = 0; count < 50; count++) {
      const pair = {
        signing: { kty: 'OKP', crv: 'Ed25519', x: fresh('ed25519') },
        sealing: { kty: 'OKP', crv: 'X25519', x: fresh('x25519') },
      };
      expect(recipientKeyFault(pair as Parameters<typeof recipientKeyFault>[0])).toBeUndefined();
    }
  });

  it.each([2, 3, 31, 33, 64])('R2.6 of %s bytes is refused, for both uses', (length) => {
    const x = Buffer.alloc(length, 7).toString('base64url');
    expect([isSigningKey(x), isSealingKey(x)]).toEqual([false, false]);
    const right = Buffer.alloc(32, 7).toString('base64url');
    expect([isSigningKey(right), isSealingKey(right)]).toEqual([true, true]);
  });

  it('has one spelling: bits behind the 32 bytes are refused', () => {
    const x = Buffer.alloc(32, 7).toString('base64url');
    const other = `${x.slice(0, 42)}${String.fromCharCode(x.charCodeAt(42) + 1)}`;
    expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(x, 'base64url'));
    expect([isSigningKey(x), isSigningKey(other), isSealingKey(other)]).toEqual([true, false, false]);
  });

  it.each(small.flatMap((hex) => [bytesOf(hex, false), bytesOf(hex, true)]))('R2.6 to which nothing can be sealed is refused: %s', (x) => {
    expect(agrees(x)).toBe(false);
    expect(isSealingKey(x)).toBe(false);
  });

  it('names which half is wrong', () => {
    const pair = {
      signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: fresh('ed25519') },
      sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: 'AAAA' },
    };
    expect(recipientKeyFault(pair)).toContain('sealing key');
    expect(recipientKeyFault({ signing: { ...pair.signing, x: 'AAAA' }, sealing: { ...pair.sealing, x: fresh('x25519') } })).toContain(
      'signing key',
    );
  });
});
