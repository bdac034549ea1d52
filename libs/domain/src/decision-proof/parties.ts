import type { Requirements } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';
import { attestedOf } from './attested.js';
import { byHuman } from './humans.js';

/** A team that an access token names: its members read, contain and end every case. */
export const operatorTeam = 'platform-operators';
/** A team that an access token names: its members read every case. */
const auditorTeam = 'auditors';

/** Somebody who is signed in. */
export interface Reader {
  readonly id: string;
  /** As the access token says. */
  readonly teams: readonly string[];
}
/** Who acts: somebody who is signed in, or whoever holds a key. */
export type WhoEnds = Reader | { readonly caseKey: string };

/** Teams whose members verify or decide under these requirements. */
export const teamsOf = ({ verifiers, quorum }: Pick<Requirements, 'verifiers' | 'quorum'>): readonly string[] => [
  ...new Set([...verifiers, ...quorum.flatMap((part) => part.teams)]),
];

/** What names the people of a case. */
export type PartyFacts = Facts<'readmit.case.opened' | 'readmit.case.classified' | 'readmit.people.attested'>;

/**
 * Who has a part in the case, and so may read it and end what it granted: who asks and whom it is about, under any account of theirs, who answers
 * for the machine, and who may verify or decide as attested. Vendor staff decide nothing. Who once had a part keeps it: it only grows.
 */
export function readersOf(facts: PartyFacts): readonly string[] {
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

/** People of the team that answers for the machine of the case. */
export const ownersOf = (facts: Facts<'readmit.people.attested'>): readonly string[] => attestedOf(facts)?.owners ?? [];

/** Whether every case is open to them, by the teams of their sign-in. */
export const readsEveryCase = ({ teams }: Reader): boolean => teams.includes(operatorTeam) || teams.includes(auditorTeam);

/** Whether somebody who is signed in may read the case. To all others it does not exist. */
export const mayReadCase = (facts: PartyFacts, actor: Reader): boolean =>
  facts.has('readmit.case.opened') && (readsEveryCase(actor) || readersOf(facts).includes(actor.id));

/** Whether somebody may end what the case granted: whoever has a part in it, operators, and the key that asked, which may also see what it owes. */
export function mayEndCase(facts: PartyFacts, who: WhoEnds): boolean {
  const opened = facts.first('readmit.case.opened')?.data;
  if (!opened) return false;
  if ('caseKey' in who) return opened.caseKey?.signing.x === who.caseKey;
  return who.teams.includes(operatorTeam) || readersOf(facts).includes(who.id);
}
