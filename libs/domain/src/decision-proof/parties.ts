import type { Requirements } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';
import { byHuman } from './humans.js';

/** A team that an access token names: its members read, contain and end every case. */
export const operatorTeam = 'platform-operators';

/** Teams whose members verify or decide under these requirements. */
export const teamsOf = ({ verifiers, quorum }: Pick<Requirements, 'verifiers' | 'quorum'>): readonly string[] => [
  ...new Set([...verifiers, ...quorum.flatMap((part) => part.teams)]),
];

/**
 * Who has a part in the case, and so may read it and end what it granted: who asks and whom it is about, under any account of theirs, who answers
 * for the machine, and who may verify or decide as attested. Vendor staff decide nothing. Who once had a part keeps it: it only grows.
 */
export function readersOf(facts: Facts): readonly string[] {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return [];
  const { requester, subject } = opened.data;
  const concerned = [subject.id, ...(requester.id === undefined ? [] : [requester.id])];
  const teams = new Set(facts.of('readmit.case.classified').flatMap(({ data }) => teamsOf(data.requirements)));
  const attested = facts.of('readmit.people.attested').map(({ data }) => data);
  const people = attested.flatMap((data) => data.people);
  const humanOf = byHuman(people);
  const humans = new Set(concerned.map(humanOf));
  const readers = new Set([...concerned, ...attested.flatMap(({ owners }) => owners ?? [])]);
  for (const person of people) {
    const serves = person.employment !== 'vendor' && person.teams.some((team) => teams.has(team));
    if (serves || humans.has(humanOf(person.id))) readers.add(person.id);
  }
  return [...readers].sort();
}
