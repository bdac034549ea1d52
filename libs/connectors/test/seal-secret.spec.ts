/** What a connector that seals secrets itself does with the keys that it was given. */
import { describe, expect, it } from '@jest/globals';
import { recipientsOf, sealSecret } from '../src/seal-secret.js';
import { consumer, unsealed } from './consumer.js';

const ours = consumer();
const another = consumer();

describe('a secret', () => {
  it('R2.6 is sealed to each recipient: their own key opens it, no other does, and nothing of it can be read', async () => {
    const sealed = await sealSecret({ password: 'correct-horse' }, [ours.key, another.key]);
    expect(sealed.map(({ recipient }) => recipient)).toEqual([ours.key.fingerprint, another.key.fingerprint]);
    const [first, second] = sealed.map(({ jwe }) => jwe);
    expect(await unsealed(first ?? '', ours)).toEqual({ password: 'correct-horse' });
    expect(await unsealed(second ?? '', another)).toEqual({ password: 'correct-horse' });
    await expect(unsealed(first ?? '', another)).rejects.toThrow('decryption operation failed');
    const readable = Buffer.from((first ?? '').split('.').join(''), 'base64url').toString('latin1');
    expect(`${first}${readable}`).not.toContain('correct-horse');
  });

  it('R2.6 is sealed to the approved key alone: not to one that was not offered, or that has its fingerprint and is another', () => {
    const { fingerprint } = ours.key;
    expect(recipientsOf([fingerprint], [another.key, ours.key])).toEqual([ours.key]);
    expect(() => recipientsOf([fingerprint], [another.key])).toThrow('no key with the approved fingerprint');
    expect(() => recipientsOf([fingerprint], [{ ...another.key, fingerprint }])).toThrow('no key with the approved fingerprint');
    expect(() => recipientsOf([], [ours.key])).toThrow('the step has no recipient for the secret');
  });
});
