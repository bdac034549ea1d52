import type { Directory } from '@readmit/contracts';
import { fold } from '../decision-proof/humans.js';
import type { Crypto } from '../kernel/behaviour.js';
import { isSigningKey, recipientKeyFault } from '../kernel/public-key.js';

/**
 * What in a directory would let one human count as two, or one name mean two (R4.2, R1.6), each fault with the entries that make it. A
 * directory with one of them is refused whole: which of two entries is the right one nobody can know from it.
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
      faults.push(`the ids ${before.id} (${before.kind}) and ${entry.id} (${entry.kind}) differ by case or Unicode form alone`);
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
          `the humans ${before.human} (of ${before.id}) and ${person.human} (of ${person.id}) differ by case or Unicode form alone: give both entries one name`,
        ]
      : [];
  });
}

/** Public keys by their bytes: one key is one signer, and names must not share it. */
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
        faults.push(`${other === id ? `${id} has one public key twice` : `${other} and ${id} have one public key`} (${kid})`);
      holders.set(key.x, id);
    }
  }
  // A consumer may serve several machines with its key; two consumers, or a consumer and a person, never share one.
  const consumersOf = new Map<string, string>();
  for (const { id: machine, consumers } of machines) {
    const names = new Set<string>();
    for (const { id, key } of consumers) {
      const wrong = recipientKeyFault(key);
      if (wrong !== undefined) faults.push(`of consumer ${id} of ${machine} ${wrong}`);
      // A sealed secret is found by the fingerprint: under a wrong one the consumer cannot pick it up, and the old secret is gone by then.
      else if (crypto.digest({ sealing: key.sealing, signing: key.signing }) !== key.fingerprint)
        faults.push(`the fingerprint of consumer ${id} of ${machine} is not the SHA-256 of the JCS of its {sealing, signing}`);
      if (names.has(fold(id))) faults.push(`${machine} has two consumers ${id}`);
      names.add(fold(id));
      const holder = holders.get(key.signing.x);
      if (holder !== undefined) faults.push(`${holder} and consumer ${id} of ${machine} have one public key`);
      for (const x of [key.signing.x, key.sealing.x]) {
        const other = consumersOf.get(x);
        if (other !== undefined && other !== id) faults.push(`consumers ${other} and ${id} (of ${machine}) have one public key`);
        consumersOf.set(x, id);
      }
    }
  }
  return [...new Set(faults)];
}
