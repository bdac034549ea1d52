import { createHash, createHmac } from 'node:crypto';
import { Directory } from '@readmit/contracts';
import { directoryFaults, lookupOf } from '@readmit/domain';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { compactVerify, importJWK } from 'jose';

/** The directory as it was read: what it says, how old that is, and the digest of the signed file. */
export interface DirectorySnapshot {
  readonly directory: Directory;
  /** SHA-256 of the signed file as it came. */
  readonly digest: string;
  readonly issuedAt: string;
}

/** Where facts about people come from. Throws when it cannot be had, is not signed by the configured key or contradicts itself. */
export interface DirectoryPort {
  read(signal: AbortSignal): Promise<DirectorySnapshot>;
}

const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: false }));
const valid = ajv.compile(Directory);
/** Faults that one message names; the rest are counted. */
const mostNamed = 20;

/**
 * Whoever can change the directory decides who may approve: `key` is the root of that trust. What it signs is taken whole or not at all.
 * @throws {Error} not signed by the key, not a directory, or one with entries that cannot both be right; the entries are named.
 */
export async function openDirectory(text: string, key: Awaited<ReturnType<typeof directoryKey>>): Promise<DirectorySnapshot> {
  const { payload } = await compactVerify(text, key, { algorithms: ['EdDSA'] });
  const directory: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (!valid(directory))
    throw new Error(`the directory does not match its schema: ${named((valid.errors ?? []).map((error) => ajv.errorsText([error])))}`);
  const faults = directoryFaults(directory as Directory);
  if (faults.length > 0) throw new Error(`the directory contradicts itself and is not used; mend it: ${named(faults)}`);
  return {
    directory: directory as Directory,
    digest: digestOf(text),
    issuedAt: (directory as Directory).issuedAt,
  };
}

/** The public half of the key that signs the directory. `x`: base64url of an Ed25519 JWK. */
export const directoryKey = (x: string) => importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA');

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const named = (faults: readonly string[]): string =>
  faults.length <= mostNamed ? faults.join('; ') : `${faults.slice(0, mostNamed).join('; ')}; and ${faults.length - mostNamed} more`;

/** Contact points of the subject, as digests that only the holder of the salt can make: no phone number can be guessed from a topic. */
export function contactDigests(
  directory: Directory,
  subject: string,
  caseId: string,
  salt: string,
): { kind: string; value: string; digest: string }[] {
  const contacts = lookupOf(directory).people(subject)[0]?.contacts ?? [];
  return contacts.map(({ kind, value }) => ({
    kind,
    value,
    digest: createHmac('sha256', salt)
      .update(JSON.stringify([caseId, kind, value]))
      .digest('hex'),
  }));
}
