import { createHash } from 'node:crypto';
import type { RecipientKey } from '@readmit/contracts';
import canonicalize from 'canonicalize';
import { CompactEncrypt } from 'jose';
import { TargetError, type Sealed } from './connector.js';

/**
 * The recipients of the approved step, each with the key of the named fingerprint. Called before anything is changed: a secret that nobody
 * can open must not be created.
 */
export function recipientsOf(fingerprints: readonly string[], offered: readonly RecipientKey[]): readonly RecipientKey[] {
  if (fingerprints.length === 0)
    throw new TargetError('the step has no recipient for the secret: plan again with a recipient key', 'none', 'refused');
  return fingerprints.map((fingerprint) => {
    const found = offered.find((key) => key.fingerprint === fingerprint && fingerprintOf(key) === fingerprint);
    if (!found)
      throw new TargetError(`no key with the approved fingerprint ${fingerprint.slice(0, 8)} was given: plan again`, 'none', 'refused');
    return found;
  });
}

/** SHA-256 of the JCS of `{sealing, signing}`, as the contract defines it. */
const fingerprintOf = ({ sealing, signing }: RecipientKey): string =>
  createHash('sha256')
    .update(canonicalize({ sealing, signing }) ?? '')
    .digest('hex');

/**
 * Seals a value to each recipient (JWE, ECDH-ES with X25519, A256GCM). Throws TargetError if a key is not usable. Called before anything is
 * changed.
 */
export function sealSecret(value: Readonly<Record<string, unknown>>, recipients: readonly RecipientKey[]): Promise<Sealed[]> {
  const plain = Buffer.from(JSON.stringify(value));
  return Promise.all(
    recipients.map(async ({ sealing, fingerprint }) => {
      try {
        const jwe = await new CompactEncrypt(plain)
          .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: fingerprint, cty: 'application/json' })
          .encrypt({ ...sealing });
        return { recipient: fingerprint, jwe };
      } catch (error) {
        throw new TargetError(`cannot seal to the key with fingerprint ${fingerprint.slice(0, 8)}`, 'none', 'refused', {
          cause: error,
        });
      }
    }),
  );
}
