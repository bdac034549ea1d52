import type { Directory } from '@readmit/contracts';
import type { Crypto } from '../kernel/behaviour.js';
import { lookupOf } from './lookup.js';

/** A contact point of the subject as the directory has it, with the digest under which the case knows it. */
export interface ContactPoint {
  readonly kind: string;
  readonly value: string;
  readonly digest: string;
}

/** Contact points of the subject, as digests that only the holder of the salt can make: no phone number can be guessed from a topic. */
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
