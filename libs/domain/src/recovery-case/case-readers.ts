import { attestedOf } from '../decision-proof/attested.js';
import { byHuman } from '../decision-proof/humans.js';
import { operatorTeam, readersOf } from '../decision-proof/parties.js';
import type { Facts } from '../kernel/facts.js';

/** A team that an access token names: its members read every case. */
const auditorTeam = 'auditors';
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

/** Whether every case is open to them, by the teams of their sign-in. */
export const readsEveryCase = ({ teams }: Reader): boolean => teams.includes(operatorTeam) || teams.includes(auditorTeam);

/** Whether somebody who is signed in may read the case. To all others it does not exist. */
export const mayReadCase = (facts: Facts, actor: Reader): boolean =>
  facts.has('readmit.case.opened') && (readsEveryCase(actor) || readersOf(facts).includes(actor.id));
