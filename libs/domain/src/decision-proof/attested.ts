import type { EventData, FactOf, Person } from '@readmit/contracts';
import { memoizeByFacts, type Facts } from '../kernel/facts.js';

type Attestation = EventData<'readmit.people.attested'>;

/** The people of a case, from everything that classification attested for it. */
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
 * Limit of attestation requests of a case, for approval and for classification: made-up names must not make classification
 * read the directory without end. With the attestation of the case itself that is a hundred, as many as a grant can name.
 */
export const maxAttestationRequests = 99;

/** Every attestation that a grant rests on. Older grants name only one. */
export const attestationIdsOf = ({
  attestationId,
  attestations,
}: Pick<EventData<'readmit.approval.granted'>, 'attestationId' | 'attestations'>): readonly string[] => [
  ...new Set([attestationId, ...(attestations ?? [])]),
];

/**
 * Merges all attestations of the case: people are attested when they act, so there may be several. For a person in several
 * of them the latest counts. A person who is twice in one of them stays two entries, so that rules can refuse the ambiguity.
 * An attestation from an older directory than one before it is ignored: it would bring back people who were removed.
 * `among`: only these ids, which a grant names.
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
