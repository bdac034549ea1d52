import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import { crypto } from './crypto.js';

const type = 'application/vnd.readmit.spec+json';
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signed = (text: string): string => {
    const body = Buffer.from(text, 'utf8');
    return sign(null, Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${body.length} `), body]), privateKey).toString(
      'base64url',
    );
  };
  return { x: publicKey.export({ format: 'jwk' }).x ?? '', signed };
};

describe('verifying a signature', () => {
  it('R4.4 a signature that was good before is good for exactly that key, type and text', () => {
    const [ada, bob] = [pair(), pair()];
    const signature = ada.signed('{"a":1}');
    expect(crypto.verify(ada.x, type, '{"a":1}', signature)).toBe(true);
    expect(crypto.verify(ada.x, type, '{"a":1}', signature)).toBe(true);
    expect(crypto.verify(bob.x, type, '{"a":1}', signature)).toBe(false);
    expect(crypto.verify(ada.x, `${type}x`, '{"a":1}', signature)).toBe(false);
    expect(crypto.verify(ada.x, type, '{"a":2}', signature)).toBe(false);
    expect(crypto.verify(ada.x, type, '{"a":1}', bob.signed('{"a":1}'))).toBe(false);
  });

  it('R4.4 a signature that was bad before is bad again, and what is no key verifies nothing', () => {
    const ada = pair();
    const signature = ada.signed('{"a":2}');
    const twice = (...[key, text]: [string, string]) => [1, 2].map(() => crypto.verify(key, type, text, signature));
    expect(twice(ada.x, '{"a":1}')).toEqual([false, false]);
    expect(twice('no key', '{"a":2}')).toEqual([false, false]);
    expect(crypto.verify(ada.x, type, '{"a":2}', signature)).toBe(true);
  });
});
