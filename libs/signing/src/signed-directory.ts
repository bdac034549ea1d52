import { Directory, directoryType } from '@readmit/contracts';
import { directoryFaults } from '@readmit/domain';
import { Ajv, type ErrorObject } from 'ajv';
import { compactVerify, CompactSign, importJWK } from 'jose';
import { createHash } from 'node:crypto';
import { crypto } from './crypto.js';
import { keyIdOf } from './hashing.js';
import type { PrivateJwk } from './signer.js';

/** The directory as it was read: what it says, how old that is, and the digest of the signed file. */
export interface DirectorySnapshot {
  readonly directory: Directory;
  /** SHA-256 of the signed file as it came. */
  readonly digest: string;
  readonly issuedAt: string;
}

const valid = new Ajv({ allErrors: true, validateSchema: false }).compile<Directory>(JSON.parse(JSON.stringify(Directory)) as object);
/** A signed directory is no larger: who reads one keeps it in memory. */
export const maxDirectoryBytes = 16 * 1024 * 1024;
/** Faults that one message names; the rest are counted. */
const mostNamed = 20;

/**
 * Everything for which a directory is refused: classification and the signing command both ask here.
 * @returns the directory, or what is wrong and where: against the schema, else entries that cannot both be right.
 */
export function checkDirectory(document: unknown): { readonly directory: Directory } | { readonly faults: readonly string[] } {
  if (!valid(document)) return { faults: (valid.errors ?? []).map((error) => schemaFault(error, document)) };
  const faults = directoryFaults(document, crypto);
  return faults.length > 0 ? { faults } : { directory: document };
}

/** Place and fault, and whose entry it is: an index alone is hard to find in a long file. */
function schemaFault({ instancePath, message, params }: ErrorObject, document: unknown): string {
  const extra = (params as { additionalProperty?: string }).additionalProperty;
  const [, list = '', index = ''] = instancePath.split('/');
  const entry = (document as Record<string, Record<string, { id?: unknown } | null> | undefined> | null)?.[list]?.[index];
  return [
    `${instancePath || '/'} ${message ?? 'is wrong'}`,
    ...(extra === undefined ? [] : [`: ${extra}`]),
    ...(typeof entry?.id === 'string' ? [` (${entry.id})`] : []),
  ].join('');
}

/** What the key signed, whether or not it would be used. @throws {Error} not signed by the key, or no JSON. */
export async function verifiedDirectory(text: string, key: Awaited<ReturnType<typeof directoryKey>>): Promise<unknown> {
  const { payload } = await compactVerify(text, key, { algorithms: ['EdDSA'] });
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
}

/**
 * Control of the directory decides who may approve: `key` is the root of that trust. What it signs is accepted as a whole or not at all.
 * @throws {Error} not signed by the key, not a directory, or one with entries that cannot both be right; the entries are named.
 */
export async function openDirectory(text: string, key: Awaited<ReturnType<typeof directoryKey>>): Promise<DirectorySnapshot> {
  const checked = checkDirectory(await verifiedDirectory(text, key));
  if ('faults' in checked) throw new Error(`the directory is refused; fix it: ${named(checked.faults)}`);
  const { directory } = checked;
  return { directory, digest: createHash('sha256').update(text).digest('hex'), issuedAt: directory.issuedAt };
}

/** Compact JWS (EdDSA) of a directory that was checked. @throws {Error} it is larger than anybody would read. */
export async function signDirectory(directory: Directory, key: PrivateJwk): Promise<string> {
  const text = await new CompactSign(new TextEncoder().encode(JSON.stringify(directory)))
    .setProtectedHeader({ alg: 'EdDSA', typ: directoryType, kid: keyIdOf(key.x) })
    .sign(await importJWK({ ...key }, 'EdDSA'));
  if (text.length > maxDirectoryBytes) throw new Error(`the signed directory is larger than ${maxDirectoryBytes} bytes`);
  return text;
}

/** The public half of the key that signs the directory. `x`: base64url of an Ed25519 JWK. */
export const directoryKey = (x: string) => importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA');

const named = (faults: readonly string[]): string =>
  faults.length <= mostNamed ? faults.join('; ') : `${faults.slice(0, mostNamed).join('; ')}; and ${faults.length - mostNamed} more`;
