import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import type { RecipientKey } from '@readmit/contracts';
import canonicalize from 'canonicalize';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { JsonFile, writePrivately } from './json-file.js';

/** Key pair of a machine's consumer as the consumer itself holds it. */
export interface ConsumerKeys {
  readonly id: string;
  readonly signing: JWK;
  readonly sealing: JWK;
  readonly fingerprint: string;
}

async function keyPair(alg: 'EdDSA' | 'ECDH-ES' | 'ES256', crv?: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, ...(crv ? { crv } : {}) });
  return exportJWK(privateKey);
}

const publicPart = <C extends string>(jwk: JWK, crv: C): { kty: 'OKP'; crv: C; x: string } => {
  if (jwk.crv !== crv || !jwk.x) throw new Error(`demo key is not ${crv}`);
  return { kty: 'OKP', crv, x: jwk.x };
};

/** Public half of an Ed25519 key. */
export const signingKeyOf = (jwk: JWK) => publicPart(jwk, 'Ed25519');

/** The pair of public keys with its fingerprint: SHA-256 of the JCS of `{sealing, signing}`. */
export function recipientKeyOf(signing: JWK, sealing: JWK): RecipientKey {
  const keys = { signing: publicPart(signing, 'Ed25519'), sealing: publicPart(sealing, 'X25519') };
  return {
    ...keys,
    fingerprint: createHash('sha256')
      .update(canonicalize(keys) ?? '')
      .digest('hex'),
  };
}

/** Id of a key: RFC 7638 thumbprint. */
export const keyId = (jwk: JWK): Promise<string> => calculateJwkThumbprint(jwk);

/** Ed25519 signing key of a file, made at the first start. */
export async function signingKeyFile(file: string | undefined): Promise<JWK> {
  const kept = await JsonFile.open<JWK>(file, async () => {
    const jwk = await keyPair('EdDSA', 'Ed25519');
    return { ...jwk, kid: await keyId(jwk), alg: 'EdDSA', use: 'sig' };
  });
  return kept.value;
}

/** Keys of a consumer, made at the first start, for the consumer to use. */
export async function consumerKeysFile(file: string | undefined, id: string): Promise<ConsumerKeys> {
  const kept = await JsonFile.open<ConsumerKeys>(file, async () => {
    const signing = await keyPair('EdDSA', 'Ed25519');
    const sealing = await keyPair('ECDH-ES', 'X25519');
    return { id, signing, sealing, fingerprint: recipientKeyOf(signing, sealing).fingerprint };
  });
  return kept.value;
}

/** What the issuer signs and its cookies are protected with. */
export interface IssuerKeys {
  readonly jwks: { readonly keys: JWK[] };
  readonly cookies: string[];
  /** Secret of each confidential client. */
  readonly clients: Record<string, string>;
}

/** The issuer's keys and client secrets, made at the first start. */
export async function issuerKeysFile(stateDir: string | undefined, confidential: readonly string[]): Promise<IssuerKeys> {
  const kept = await JsonFile.open<IssuerKeys>(stateDir && path.join(stateDir, 'issuer-keys.json'), async () => {
    const jwk = await keyPair('ES256');
    return {
      jwks: { keys: [{ ...jwk, kid: await keyId(jwk), alg: 'ES256', use: 'sig' }] },
      cookies: [randomBytes(32).toString('base64url')],
      clients: Object.fromEntries(confidential.map((id) => [id, randomBytes(32).toString('base64url')])),
    };
  });
  // Each also as the file that its program reads.
  if (stateDir)
    for (const [id, secret] of Object.entries(kept.value.clients))
      await writePrivately(path.join(clientSecretsFolder(stateDir), `${id}.secret`), `${secret}\n`);
  return kept.value;
}

export const clientSecretsFolder = (stateDir: string): string => path.join(stateDir, 'clients');
