/** Validates public keys where they enter the system: otherwise a wrong one shows only when a secret is sealed to it. */
import type { RecipientKey } from '@readmit/contracts';

/** 32 bytes in base64url without padding. The last character carries 4 bits: only these 16 give each key a single encoding. */
const thirtyTwoBytes = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Points of small order (RFC 7748, section 6.1), with and without the top bit, which X25519 ignores: their shared secret is public. */
const smallOrder: ReadonlySet<string> = new Set(
  [
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '4Ot6fDtBuK4WVuP68Z_EatoJjeucMrH9hmIFFl9Ju',
    'X5yVvKNQjCSx0LFVnIPvWwREXMRYHI6G2CJO3dCfE',
  ]
    .flatMap((x) => (x.startsWith('X') ? [`${x}Vc`, `${x}dc`] : [`${x}AA`, `${x}IA`]))
    .concat(['7P', '7f', '7v'].flatMap((x) => [`${x}${'_'.repeat(39)}38`, `${x}${'_'.repeat(40)}8`])),
);

/** Whether it can be the `x` of an Ed25519 JWK. */
export const isSigningKey = (x: string): boolean => thirtyTwoBytes.test(x);
/** Whether it can be the `x` of an X25519 JWK that a secret can be sealed to. */
export const isSealingKey = (x: string): boolean => thirtyTwoBytes.test(x) && !smallOrder.has(x);

/** Why the pair cannot be used, or undefined. The caller checks that the fingerprint belongs to these keys. */
export function recipientKeyFault({ signing, sealing }: Pick<RecipientKey, 'signing' | 'sealing'>): string | undefined {
  if (!isSigningKey(signing.x)) return 'the signing key is not 32 bytes in base64url (Ed25519)';
  if (!isSealingKey(sealing.x)) return 'the sealing key is not a usable X25519 key of 32 bytes in base64url';
  return undefined;
}
