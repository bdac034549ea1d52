import { describe, expect, it } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import { CompactEncrypt, importJWK, jwtVerify } from 'jose';
import { canonical, fingerprintOf, newRecipientKey, newSigningKey, publicPart, sha256Hex } from './keys.js';
import { preAuthenticationEncoding, requestProof, signStatement } from './sign.js';
import { unseal } from './unseal.js';

const at = new Date('2026-11-22T10:00:00.500Z');
const statement = {
  v: 1,
  caseId: 'case_1',
  planDigest: 'a'.repeat(64),
  evidenceDigest: 'b'.repeat(64),
  policyDigest: 'c'.repeat(64),
  decision: 'approve',
  approver: 'dana',
  decidedAt: at.toISOString(),
  nonce: 'A'.repeat(22),
  reason: 'ok – vouched',
} as const;

describe('signing', () => {
  it('encodes as DSSE v1 does, in bytes and not in characters', () => {
    expect(preAuthenticationEncoding('http://example.com/HelloWorld', 'hello world').toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
    expect(preAuthenticationEncoding('t', '–').toString()).toBe('DSSEv1 1 t 3 –');
  });

  it('R4.4 signs the canonical statement; a changed statement or another key does not verify', () => {
    const key = { ...newSigningKey(), kid: 'dana-1' };
    const proof = signStatement(statement, key);
    const holds = (value: object, x: string): boolean =>
      verify(
        null,
        preAuthenticationEncoding('application/vnd.readmit.decision.v1+json', canonical(value)),
        createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
        Buffer.from(proof.signature, 'base64url'),
      );
    expect(proof).toMatchObject({ type: 'software-key', kid: 'dana-1' });
    expect(holds(statement, key.x)).toBe(true);
    expect(holds({ ...statement, decision: 'deny' }, key.x)).toBe(false);
    expect(holds(statement, newSigningKey().x)).toBe(false);
  });

  it('makes a request proof that carries the public key alone and digests the body where there is one', async () => {
    const { signing } = newRecipientKey();
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: signing.x }, 'EdDSA');
    const read = async (proof: string) => jwtVerify(proof, key, { typ: 'readmit-proof+jwt', currentDate: at });
    const bare = await read(await requestProof(signing, { method: 'GET', target: '/a?b=c', at, id: 'j1' }));
    expect(bare.payload).toEqual({ htm: 'GET', htu: '/a?b=c', iat: 1_795_341_600, jti: 'j1' });
    expect(bare.protectedHeader).toEqual({ alg: 'EdDSA', typ: 'readmit-proof+jwt', jwk: { kty: 'OKP', crv: 'Ed25519', x: signing.x } });
    const full = await read(await requestProof(signing, { method: 'POST', target: '/a', body: '{"ä":1}', at, id: 'j2' }));
    expect(full.payload['bodyDigest']).toBe(Buffer.from(sha256Hex('{"ä":1}'), 'hex').toString('base64url'));
  });
});

describe('keys', () => {
  it('fingerprints the public halves, in canonical order', () => {
    const pair = newRecipientKey();
    const { signing, sealing, fingerprint } = publicPart(pair);
    expect(fingerprint).toBe(
      sha256Hex(`{"sealing":{"crv":"X25519","kty":"OKP","x":"${sealing.x}"},"signing":{"crv":"Ed25519","kty":"OKP","x":"${signing.x}"}}`),
    );
    expect(fingerprintOf(pair.signing, pair.sealing)).toBe(fingerprint);
    expect(JSON.stringify(publicPart(pair))).not.toContain(pair.signing.d);
  });

  it('R2.6 opens what is sealed to the key, and nothing that is sealed to another or in another way', async () => {
    const pair = newRecipientKey();
    const seal = async (x: string, alg: string) =>
      new CompactEncrypt(Buffer.from('secret'))
        .setProtectedHeader({ alg, enc: 'A256GCM' })
        .encrypt(alg === 'dir' ? new Uint8Array(32) : await importJWK({ kty: 'OKP', crv: 'X25519', x }, 'ECDH-ES'));
    expect(Buffer.from(await unseal(await seal(pair.sealing.x, 'ECDH-ES'), pair)).toString()).toBe('secret');
    await expect(unseal(await seal(newRecipientKey().sealing.x, 'ECDH-ES'), pair)).rejects.toMatchObject({ exit: 'verificationFailed' });
    await expect(unseal(await seal(pair.sealing.x, 'dir'), pair)).rejects.toMatchObject({ exit: 'verificationFailed' });
  });
});
