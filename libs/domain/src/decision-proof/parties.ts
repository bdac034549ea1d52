import type { Requirements } from '@readmit/contracts';
import type { Facts } from '../kernel/facts.js';
import { attestedOf } from './attested.js';
import { byHuman } from './humans.js';

/** Team in access tokens: its members may read, contain and end every case. */
export const operatorTeam = 'platform-operators';
/** Team in access tokens: its members may read every case. */
const auditorTeam = 'auditors';

/** A person who is signed in. */
export interface Reader {
  readonly id: string;
  /** From the access token. */
  readonly teams: readonly string[];
}
/** A person who is signed in, or the holder of a case key. */
export type WhoEnds = Reader | { readonly caseKey: string };

/** Teams whose members verify or decide under these requirements. */
export const teamsOf = ({ verifiers, quorum }: Pick<Requirements, 'verifiers' | 'quorum'>): readonly string[] => [
  ...new Set([...verifiers, ...quorum.flatMap((part) => part.teams)]),
];

/** The facts that name the people of a case. */
export type PartyFacts = Facts<'readmit.case.opened' | 'readmit.case.classified' | 'readmit.people.attested'>;

/**
 * The participants of a case, who may read it and end what it granted: requester and subject with all their accounts, owners
 * of the machine, and attested members of the verifying and approving teams, without vendor staff. The list only grows.
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

/** People of the team that owns the machine of the case. */
export const ownersOf = (facts: Facts<'readmit.people.attested'>): readonly string[] => attestedOf(facts)?.owners ?? [];

/** Whether they may read every case, by the teams in their access token. */
export const readsEveryCase = ({ teams }: Reader): boolean => teams.includes(operatorTeam) || teams.includes(auditorTeam);

/** Whether the person may read the case. For everyone else it does not exist. */
export const mayReadCase = (facts: PartyFacts, actor: Reader): boolean =>
  facts.has('readmit.case.opened') && (readsEveryCase(actor) || readersOf(facts).includes(actor.id));

/** Whether they may end what the case granted: participants, operators, and the holder of the case key. */
export function mayEndCase(facts: PartyFacts, who: WhoEnds): boolean {
  const opened = facts.first('readmit.case.opened')?.data;
  if (!opened) return false;
  if ('caseKey' in who) return opened.caseKey?.signing.x === who.caseKey;
  return who.teams.includes(operatorTeam) || readersOf(facts).includes(who.id);
}
