import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import { crypto, uuidv7 } from './context.js';

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

describe('ids', () => {
  it('are UUIDs of version 7 that are all different and sort in the order in which they were made', () => {
    const ids = Array.from({ length: 5_000 }, uuidv7);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });
});
