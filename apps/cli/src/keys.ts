import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { RecipientKey, SealingKey, SigningKey } from '@readmit/contracts';
import type { Static } from 'typebox';
import { CliError } from './errors.js';
import { readPrivate } from './files.js';

export type SigningJwk = Static<typeof SigningKey>;
export type SealingJwk = Static<typeof SealingKey>;
/** A private JWK: the public members and `d`. */
export type PrivateJwk<P extends SigningJwk | SealingJwk> = P & { readonly d: string };

/** What the one-time key of a case, and the key of a machine's consumer, look like on disk. */
export interface RecipientKeyPair {
  readonly signing: PrivateJwk<SigningJwk>;
  readonly sealing: PrivateJwk<SealingJwk>;
  readonly fingerprint: string;
}
/** An approver's key on disk: a private Ed25519 JWK with the `kid` under which the directory lists it. */
export type ApproverKey = PrivateJwk<SigningJwk> & { readonly kid: string };

/** JCS (RFC 8785) of a JSON value. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('Only JSON values have a canonical form');
  return text;
}
export const sha256Hex = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');
/** Lower-case hex SHA-256 of the JCS of the value: plan digests and fingerprints. */
export const digestOf = (value: unknown): string => sha256Hex(canonical(value));

export const publicSigning = ({ x }: { readonly x: string }): SigningJwk => ({ kty: 'OKP', crv: 'Ed25519', x });
export const publicSealing = ({ x }: { readonly x: string }): SealingJwk => ({ kty: 'OKP', crv: 'X25519', x });
export const fingerprintOf = (signing: SigningJwk, sealing: SealingJwk): string =>
  digestOf({ sealing: publicSealing(sealing), signing: publicSigning(signing) });

export const publicPart = (pair: RecipientKeyPair): RecipientKey => ({
  signing: publicSigning(pair.signing),
  sealing: publicSealing(pair.sealing),
  fingerprint: pair.fingerprint,
});

/** A fresh pair from the operating system's randomness. */
export function newRecipientKey(): RecipientKeyPair {
  const signing = newSigningKey();
  const { x, d } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const sealing = { ...publicSealing({ x: String(x) }), d: String(d) };
  return { signing, sealing, fingerprint: fingerprintOf(signing, sealing) };
}

export function newSigningKey(): PrivateJwk<SigningJwk> {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { ...publicSigning({ x: String(x) }), d: String(d) };
}

export const privateKeyOf = (jwk: PrivateJwk<SigningJwk | SealingJwk>): KeyObject =>
  createPrivateKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d } satisfies JsonWebKey, format: 'jwk' });

export async function readRecipientKey(file: string): Promise<RecipientKeyPair> {
  return recipientKeyOf(await readJson(file, 'recipient key'), file);
}

/** @throws {CliError} it is not a pair of private keys; `file` is where it came from. */
export function recipientKeyOf(value: object, file: string): RecipientKeyPair {
  const { signing: one, sealing: other } = value as { signing?: unknown; sealing?: unknown };
  const signing = privateJwk(one, 'Ed25519', file) as PrivateJwk<SigningJwk>;
  const sealing = privateJwk(other, 'X25519', file) as PrivateJwk<SealingJwk>;
  return { signing, sealing, fingerprint: fingerprintOf(signing, sealing) };
}

export async function readApproverKey(file: string, what = "approver's key"): Promise<ApproverKey> {
  const value = await readJson(file, what);
  const kid = value['kid'];
  if (typeof kid !== 'string' || kid === '') throw notAKey(file, 'it has no "kid"');
  return { ...(privateJwk(value, 'Ed25519', file) as PrivateJwk<SigningJwk>), kid };
}

async function readJson(file: string, what: string): Promise<Record<string, unknown>> {
  const text = await readPrivate(file);
  if (text === undefined)
    throw new CliError('usage', `There is no ${what} here`, {
      where: file,
      next: 'Use --key <file>, or create one: readmit key create --help',
    });
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    // The parser's message would quote the file's text, which is a private key.
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw notAKey(file, 'it is not a JSON object');
}

/** Checks that `x` belongs to `d`: a swapped public half would make signatures that nobody can check. */
function privateJwk(value: unknown, crv: 'Ed25519' | 'X25519', file: string): PrivateJwk<SigningJwk | SealingJwk> {
  const jwk = value as { kty?: unknown; crv?: unknown; x?: unknown; d?: unknown } | undefined;
  if (
    typeof jwk !== 'object' ||
    jwk === null ||
    jwk.kty !== 'OKP' ||
    jwk.crv !== crv ||
    typeof jwk.x !== 'string' ||
    typeof jwk.d !== 'string'
  ) {
    throw notAKey(file, `it contains no private ${crv} JWK`);
  }
  let x: string | undefined;
  try {
    x = createPublicKey(createPrivateKey({ key: { kty: 'OKP', crv, x: jwk.x, d: jwk.d }, format: 'jwk' })).export({ format: 'jwk' }).x;
  } catch {
    // OpenSSL's reason says nothing that the next line does not.
    throw notAKey(file, `its ${crv} key cannot be read`);
  }
  if (x !== jwk.x) throw notAKey(file, `the public and private parts of its ${crv} key do not match`);
  return { kty: 'OKP', crv, x: jwk.x, d: jwk.d } as PrivateJwk<SigningJwk | SealingJwk>;
}

const notAKey = (file: string, why: string): CliError =>
  new CliError('usage', `readmit cannot use this key: ${why}`, {
    where: file,
    next: 'Use the right file with --key, or create one: readmit key create --help',
  });
