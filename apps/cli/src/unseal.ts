import { compactDecrypt } from 'jose';
import { CliError } from './errors.js';
import { privateKeyOf, type RecipientKeyPair } from './keys.js';

/** Opens a JWE that was sealed to the key (ECDH-ES on X25519). Only these algorithms: the header is the sender's word. */
export async function unseal(jwe: string, key: RecipientKeyPair): Promise<Uint8Array> {
  try {
    const { plaintext } = await compactDecrypt(jwe, privateKeyOf(key.sealing), {
      keyManagementAlgorithms: ['ECDH-ES', 'ECDH-ES+A256KW', 'ECDH-ES+A128KW'],
      contentEncryptionAlgorithms: ['A256GCM', 'A128GCM', 'A256CBC-HS512'],
    });
    return plaintext;
  } catch (cause) {
    throw new CliError('verificationFailed', 'The sealed secret cannot be opened with this key', {
      where: `key with fingerprint ${key.fingerprint}`,
      next: 'Use the recipient key named in the plan (--key). The secret was not acknowledged, so it can be picked up again.',
      cause,
    });
  }
}
