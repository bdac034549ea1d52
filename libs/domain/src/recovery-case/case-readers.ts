import { attestedOf } from '../decision-proof/attested.js';
import { byHuman } from '../decision-proof/humans.js';
import type { Facts } from '../kernel/facts.js';

/** Teams that an access token names, whose members read every case. */
export const operatorTeam = 'platform-operators';
export const auditorTeam = 'auditors';
export interface Reader {
  readonly id: string;
  /** As the access token says. */
  readonly teams: readonly string[];
}

/** People of the team that answers for the machine of the case. */
export const ownersOf = (facts: Facts): readonly string[] => attestedOf(facts)?.owners ?? [];

/** Whether both ids are of one human, as the case's people are attested. */
export function sameHuman(facts: Facts, a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const humanOf = byHuman(attestedOf(facts)?.people ?? []);
  return humanOf(a) === humanOf(b);
}

/** Who reads the case because of a part in it: who asks, whom it is about, who answers for the machine, who may verify or decide. Who once had a part keeps reading: it only grows. */
export function readersOf(facts: Facts): readonly string[] {
  const opened = facts.first('readmit.case.opened');
  if (!opened) return [];
  const { requester, subject } = opened.data;
  const teams = new Set(
    facts
      .of('readmit.case.classified')
      .flatMap(({ data: { requirements } }) => [...requirements.verifiers, ...requirements.quorum.flatMap((part) => part.teams)]),
  );
  const attested = facts.of('readmit.people.attested').flatMap(({ data }) => data.people);
  const humanOf = byHuman(attested);
  const concerned = new Set([subject.id, ...(requester.id === undefined ? [] : [requester.id])].map(humanOf));
  const owners = facts.of('readmit.people.attested').flatMap(({ data }) => data.owners ?? []);
  const readers = new Set([subject.id, ...(requester.id === undefined ? [] : [requester.id]), ...owners]);
  for (const person of attested) {
    const serves = person.employment !== 'vendor' && person.teams.some((team) => teams.has(team));
    if (serves || concerned.has(humanOf(person.id))) readers.add(person.id);
  }
  return [...readers].sort();
}

/** Whether every case is open to them, by the teams of their sign-in. */
export const readsEveryCase = ({ teams }: Reader): boolean => teams.includes(operatorTeam) || teams.includes(auditorTeam);

/** Whether somebody who is signed in may read the case. To all others it does not exist. */
export const mayReadCase = (facts: Facts, actor: Reader): boolean =>
  facts.has('readmit.case.opened') && (readsEveryCase(actor) || readersOf(facts).includes(actor.id));
