import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { RecipientKey } from '@readmit/contracts';
import canonicalize from 'canonicalize';
import { compactDecrypt } from 'jose';

export interface TestConsumer {
  readonly key: RecipientKey;
  readonly opener: KeyObject;
}

/** A recipient with its own key pair. */
export function consumer({ sealing: wrong }: { readonly sealing?: string } = {}): TestConsumer {
  const sealing = generateKeyPairSync('x25519');
  const publicOf = (key: KeyObject): string => String(key.export({ format: 'jwk' }).x);
  const key = {
    signing: { kty: 'OKP' as const, crv: 'Ed25519' as const, x: publicOf(generateKeyPairSync('ed25519').publicKey) },
    sealing: { kty: 'OKP' as const, crv: 'X25519' as const, x: wrong ?? publicOf(sealing.publicKey) },
  };
  const fingerprint = createHash('sha256')
    .update(canonicalize({ sealing: key.sealing, signing: key.signing }) ?? '')
    .digest('hex');
  return { key: { ...key, fingerprint }, opener: sealing.privateKey };
}

export interface Unsealed {
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly connector: string;
  readonly object: string;
}

export async function unsealed(jwe: string, { opener }: TestConsumer): Promise<Unsealed> {
  const { plaintext } = await compactDecrypt(jwe, opener);
  return JSON.parse(new TextDecoder().decode(plaintext)) as Unsealed;
}
