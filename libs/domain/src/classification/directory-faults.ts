import type { Directory } from '@readmit/contracts';
import { fold } from '../decision-proof/humans.js';
import type { Crypto } from '../kernel/behaviour.js';
import { isSigningKey, recipientKeyFault } from '../kernel/public-key.js';

/**
 * What would let one human count as two, or one name mean two things (R4.2, R1.6), with the entries concerned. A directory
 * with such a fault is refused as a whole: it does not show which entry is right. Texts and not refusals: they all have the
 * same consequence, and people correct a file by them.
 */
export function directoryFaults({ people, machines }: Directory, crypto: Pick<Crypto, 'digest'>): readonly string[] {
  return [...idFaults({ people, machines }), ...humanFaults(people), ...keyFaults({ people, machines }, crypto)];
}

type Entries = Pick<Directory, 'people' | 'machines'>;

function idFaults({ people, machines }: Entries): string[] {
  const faults: string[] = [];
  const seen = new Map<string, { readonly kind: 'person' | 'machine'; readonly id: string }>();
  for (const entry of [
    ...people.map(({ id }) => ({ kind: 'person' as const, id })),
    ...machines.map(({ id }) => ({ kind: 'machine' as const, id })),
  ]) {
    const before = seen.get(fold(entry.id));
    seen.set(fold(entry.id), before ?? entry);
    if (!before) continue;
    if (before.id !== entry.id)
      faults.push(`the ids ${before.id} (${before.kind}) and ${entry.id} (${entry.kind}) differ only by case or Unicode form`);
    else if (before.kind !== entry.kind) faults.push(`${entry.id} is the id of a person and of a machine`);
    else faults.push(`two entries have the ${entry.kind} id ${entry.id}`);
  }
  return faults;
}

function humanFaults(people: Directory['people']): string[] {
  const spelled = new Map<string, Directory['people'][number]>();
  return people.flatMap((person) => {
    const before = spelled.get(fold(person.human));
    spelled.set(fold(person.human), before ?? person);
    return before && before.human !== person.human
      ? [
          `the humans ${before.human} (of ${before.id}) and ${person.human} (of ${person.id}) differ only by case or Unicode form: give both entries the same name`,
        ]
      : [];
  });
}

/** Public keys, compared by their bytes: a key identifies one signer and must not be shared. */
function keyFaults({ people, machines }: Entries, crypto: Pick<Crypto, 'digest'>): string[] {
  const faults: string[] = [];
  const holders = new Map<string, string>();
  for (const { id, keys } of people) {
    const kids = new Set<string>();
    for (const { kid, key } of keys) {
      if (!isSigningKey(key.x)) faults.push(`the key ${kid} of ${id} is not 32 bytes in base64url (Ed25519)`);
      if (kids.has(kid)) faults.push(`${id} has two keys with the id ${kid}`);
      kids.add(kid);
      const other = holders.get(key.x);
      if (other !== undefined)
        faults.push(`${other === id ? `${id} has the same public key twice` : `${other} and ${id} have the same public key`} (${kid})`);
      holders.set(key.x, id);
    }
  }
  // A consumer may use its key for several machines; two consumers, or a consumer and a person, never share one.
  const consumersOf = new Map<string, string>();
  for (const { id: machine, consumers } of machines) {
    const names = new Set<string>();
    for (const { id, key } of consumers) {
      const wrong = recipientKeyFault(key);
      if (wrong !== undefined) faults.push(`consumer ${id} of ${machine}: ${wrong}`);
      // Sealed secrets are found by fingerprint: with a wrong one the consumer could not pick it up, after the old secret was destroyed.
      else if (crypto.digest({ sealing: key.sealing, signing: key.signing }) !== key.fingerprint)
        faults.push(`the fingerprint of consumer ${id} of ${machine} is not the SHA-256 of the JCS of its {sealing, signing}`);
      if (names.has(fold(id))) faults.push(`${machine} has two consumers ${id}`);
      names.add(fold(id));
      const holder = holders.get(key.signing.x);
      if (holder !== undefined) faults.push(`${holder} and consumer ${id} of ${machine} have the same public key`);
      for (const x of [key.signing.x, key.sealing.x]) {
        const other = consumersOf.get(x);
        if (other !== undefined && other !== id) faults.push(`consumers ${other} and ${id} (of ${machine}) have the same public key`);
        consumersOf.set(x, id);
      }
    }
  }
  return [...new Set(faults)];
}
