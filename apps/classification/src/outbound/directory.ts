import { createHash, createHmac } from 'node:crypto';
import { Directory } from '@readmit/contracts';
import { lookupOf } from '@readmit/domain';
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

/** Where facts about people come from. Throws when it cannot be had or is not signed by the configured key. */
export interface DirectoryPort {
  read(signal: AbortSignal): Promise<DirectorySnapshot>;
}

const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: false }));
const valid = ajv.compile(Directory);
const maxBytes = 16 * 1024 * 1024;

/** A directory file served over HTTP as a compact JWS (EdDSA) by one configured key. Whoever can change it decides who may approve: the key is the root of that trust. */
export function httpDirectory(url: string, key: string): DirectoryPort {
  const publicKey = importJWK({ kty: 'OKP', crv: 'Ed25519', x: key }, 'EdDSA');
  return {
    async read(signal) {
      const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/jose' } });
      if (!response.ok) throw new Error(`the directory answered ${response.status}`);
      const text = (await response.text()).trim();
      if (text.length > maxBytes) throw new Error(`the directory is larger than ${maxBytes} bytes`);
      const { payload } = await compactVerify(text, await publicKey, { algorithms: ['EdDSA'] });
      const directory: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
      if (!valid(directory)) throw new Error(`the directory does not match its schema: ${ajv.errorsText(valid.errors)}`);
      return {
        directory: directory as Directory,
        digest: createHash('sha256').update(text).digest('hex'),
        issuedAt: (directory as Directory).issuedAt,
      };
    },
  };
}

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
