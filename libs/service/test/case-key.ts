import { makeProof, type ProofKey } from '@readmit/contracts';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { createHash, randomUUID } from 'node:crypto';

export interface TestCaseKey {
  readonly key: ProofKey;
  proof(
    request: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: string },
    change?: { readonly now?: Date; readonly typ?: string; readonly jti?: string; readonly key?: ProofKey },
  ): Promise<string>;
}

/** A one-time key and proofs by it, made as the CLI makes them. */
export async function makeCaseKey(): Promise<TestCaseKey> {
  const pair = await generateKeyPair('EdDSA', { extractable: true });
  const { x = '' } = await exportJWK(pair.publicKey);
  const key: ProofKey = { kty: 'OKP', crv: 'Ed25519', x };
  return {
    key,
    proof: ({ method, path, body }, change = {}) =>
      makeProof(
        { method, path, ...(body === undefined ? {} : { bodyDigest: createHash('sha256').update(body).digest('base64url') }) },
        {
          key: change.key ?? key,
          now: change.now ?? new Date(),
          jti: change.jti ?? randomUUID(),
          sign: (header, payload) =>
            new CompactSign(Buffer.from(payload)).setProtectedHeader({ ...header, typ: change.typ ?? header.typ }).sign(pair.privateKey),
        },
      ),
  };
}
