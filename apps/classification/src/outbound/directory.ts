import { createHmac } from 'node:crypto';
import type { DirectorySnapshot } from '@readmit/signing';
import type { Directory } from '@readmit/contracts';
import { lookupOf } from '@readmit/domain';

/** Where facts about people come from. Throws when it cannot be had, is not signed by the configured key or has faults. */
export interface DirectoryPort {
  read(signal: AbortSignal): Promise<DirectorySnapshot>;
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
