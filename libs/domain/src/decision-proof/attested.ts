import type { EventData, FactOf, Person } from '@readmit/contracts';
import { memoizeByFacts, type Facts } from '../kernel/facts.js';

type Attestation = EventData<'readmit.people.attested'>;

/** Who the people of a case are, of everything that classification attested for it. */
export interface Attested {
  /** Ids of the attestations that count, earliest first. */
  readonly ids: readonly string[];
  readonly people: readonly Person[];
  readonly contacts: Attestation['contacts'];
  readonly consumers: Attestation['consumers'];
  readonly owners: readonly string[];
  /** Of the latest attestation that counts. */
  readonly directory: Attestation['directory'];
}

/**
 * Whoever makes up names must not make classification read the directory for each. With the attestation that comes with the case these are
 * a hundred, and a grant can name them all. Classification answers no more either.
 */
export const maxAttestationRequests = 99;

/** Every attestation that a grant rests on: grants of before named one. */
export const attestationIdsOf = ({
  attestationId,
  attestations,
}: Pick<EventData<'readmit.approval.granted'>, 'attestationId' | 'attestations'>): readonly string[] => [
  ...new Set([attestationId, ...(attestations ?? [])]),
];

/**
 * All attestations of the case as one: people are attested when they matter, so there may be several. The latest wins for a person
 * that several name; a person whom one of them names twice stays two, so that whoever asks sees that nobody knows which holds. One with an older directory than an attestation before it counts for nothing: it would bring back who was removed since.
 * `among`: only these, by id, as a grant names what it rests on.
 */
export function attestedOf(facts: Facts<'readmit.people.attested'>, among?: readonly string[]): Attested | undefined {
  return among ? merge(facts, among) : mergeAll(facts);
}
const mergeAll = memoizeByFacts((facts: Facts<'readmit.people.attested'>) => merge(facts));

function merge(facts: Facts<'readmit.people.attested'>, among?: readonly string[]): Attested | undefined {
  const counted: FactOf<'readmit.people.attested'>[] = [];
  for (const fact of facts.of('readmit.people.attested')) {
    const before = counted.at(-1);
    if (among && !among.includes(fact.id)) continue;
    if (!before || fact.data.directory.issuedAt >= before.data.directory.issuedAt) counted.push(fact);
  }
  const last = counted.at(-1);
  if (!last) return undefined;
  return {
    ids: counted.map(({ id }) => id),
    people: counted.reduce<readonly Person[]>((known, { data }) => replaced(known, data.people), []),
    contacts: [...new Set(counted.flatMap(({ data }) => data.contacts))],
    consumers: last.data.consumers,
    owners: [...new Set(counted.flatMap(({ data }) => data.owners ?? []))],
    directory: last.data.directory,
  };
}

function replaced(known: readonly Person[], newer: readonly Person[]): readonly Person[] {
  const again = new Set(newer.map(({ id }) => id));
  return [...known.filter(({ id }) => !again.has(id)), ...newer];
}
