import type { Directory } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';
import { lookupOf } from './lookup.js';

/** A contact point of the subject from the directory, with the digest that identifies it in the case. */
export interface ContactPoint {
  readonly kind: string;
  readonly value: string;
  readonly digest: string;
}

/** Contact points of the subject. The digests need the salt, so a phone number cannot be guessed from a topic. */
export const contactDigests = (
  directory: Directory,
  subject: string,
  caseId: string,
  salt: string,
  crypto: Pick<Crypto, 'hmac'>,
): readonly ContactPoint[] =>
  (lookupOf(directory).people(subject)[0]?.contacts ?? []).map(({ kind, value }) => ({
    kind,
    value,
    digest: crypto.hmac(salt, JSON.stringify([caseId, kind, value])),
  }));
